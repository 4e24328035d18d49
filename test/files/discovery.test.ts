import { execFileSync } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import { listFiles } from "../../src/files/discovery.ts";
import { compileGlobs } from "../../src/files/globs.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { withoutRights } from "./scene.ts";

async function tree(paths: readonly string[]): Promise<string> {
  const directory = scratchDirectory();
  for (const path of paths) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), "");
  }
  return directory;
}

async function list(directory: string, include: readonly string[], exclude: readonly string[] = []) {
  const absolute = (patterns: readonly string[]): string[] => patterns.map((pattern) => join(directory, pattern));
  const { paths, problems } = await listFiles(compileGlobs(absolute(include), absolute(exclude)));
  return {
    paths: paths.map((path) => relative(directory, path)),
    problems: problems.map(({ path }) => relative(directory, path)),
  };
}

const PATHS = ["a.log", "b.txt", "sub/c.log", "sub/deep/d.log", "sub/debug.log"];

test.each<[readonly string[], readonly string[], readonly string[]]>([
  [["*.log"], [], ["a.log"]],
  [["**/*.log"], [], ["a.log", "sub/c.log", "sub/debug.log", "sub/deep/d.log"]],
  [["*/*.log"], [], ["sub/c.log", "sub/debug.log"]],
  [["**/*.log"], ["**/debug.log"], ["a.log", "sub/c.log", "sub/deep/d.log"]],
  [["a.log"], [], ["a.log"]],
  [["a.log", "*.log", "**/a.log"], [], ["a.log"]],
  [["missing/*.log"], [], []],
  [["{a,b}.*"], [], ["a.log", "b.txt"]],
])("%j without %j lists %j", async (include, exclude, expected) => {
  expect(await list(await tree(PATHS), include, exclude)).toEqual({ paths: expected, problems: [] });
});

test("links to files are listed, links to directories are not followed", async () => {
  const directory = await tree(["a.log", "sub/b.log"]);
  await symlink("a.log", join(directory, "link.log"));
  await symlink(".", join(directory, "sub", "loop"));
  expect((await list(directory, ["**/*.log"])).paths).toEqual(["a.log", "link.log", "sub/b.log"]);
});

test("what is no file but matches is a problem, what does not match is none", async () => {
  const directory = await tree(["a.log"]);
  execFileSync("mkfifo", [join(directory, "pipe.log"), join(directory, "pipe")]);
  expect(await list(directory, ["*.log"])).toEqual({ paths: ["a.log"], problems: ["pipe.log"] });
});

test("a directory that can't be listed is a problem, and the others are listed", async () => {
  const directory = await tree(["a.log", "closed/b.log"]);
  await chmod(directory, 0o755);
  await chmod(join(directory, "closed"), 0o000);
  await withoutRights(async () => {
    expect(await list(directory, ["**/*.log"])).toEqual({ paths: ["a.log"], problems: ["closed"] });
  });
});

test("a tree that is deep without an end is not walked to it", async () => {
  const directory = await tree([`${"d/".repeat(80)}a.log`]);
  const { paths, problems } = await list(directory, ["**/*.log"]);
  expect(paths).toEqual([]);
  expect(problems).toHaveLength(1);
});
