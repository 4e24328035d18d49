import { execFileSync } from "node:child_process";
import { chmod, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { DirectoryTree } from "../../src/files/discovery.ts";
import { compileGlobs } from "../../src/files/globs.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { TestClock } from "../core/test-clock.ts";
import { withoutRights } from "../support/rights.ts";

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
  const globs = compileGlobs(absolute(include), absolute(exclude));
  const { paths, problems } = await new DirectoryTree([globs], new TestClock()).list(true);
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

/** A tree whose directories have not changed for an hour. */
async function settled(paths: readonly string[]) {
  const directory = await tree(paths);
  const observed: string[] = [];
  const all = new DirectoryTree([compileGlobs([`${directory}/**/*.log`], [])], new TestClock(Date.now() + 3_600_000));
  all.observer = {
    appeared: (path) => observed.push(`+${relative(directory, path)}`),
    vanished: (path) => observed.push(`-${relative(directory, path)}`),
  };
  await all.list(true);
  const changed = async (): Promise<readonly string[]> => {
    observed.length = 0;
    return (await all.list(false)).paths.map((path) => relative(directory, path));
  };
  return { directory, observed, all, changed };
}

describe("a tree that was listed before", () => {
  test("is listed again only where something came or went", async () => {
    const { directory, changed } = await settled(["a.log", "one/b.log", "one/deep/c.log", "two/d.log"]);
    expect(await changed()).toEqual([]);
    await writeFile(join(directory, "one/deep/e.log"), "");
    expect(await changed()).toEqual(["one/deep/c.log", "one/deep/e.log"]);
    expect(await changed()).toEqual([]);
    await rm(join(directory, "two/d.log"));
    await mkdir(join(directory, "one/new"));
    await writeFile(join(directory, "one/new/f.log"), "");
    expect(await changed()).toEqual(["one/b.log", "one/new/f.log"]);
  });

  test("is listed again while a change may still hide behind a coarse time stamp", async () => {
    const directory = await tree(["a.log"]);
    const fresh = new DirectoryTree([compileGlobs([`${directory}/*.log`], [])], new TestClock(Date.now()));
    await fresh.list(true);
    expect((await fresh.list(false)).paths).toHaveLength(1);
  });

  test("is listed whole when everything is asked for", async () => {
    const { all } = await settled(["a.log", "one/b.log"]);
    expect((await all.list(true)).paths).toHaveLength(2);
  });

  test("tells which directories there are before it lists them, and which are gone or are others now", async () => {
    const { directory, observed, changed } = await settled(["a.log", "one/b.log", "two/c.log"]);
    expect([...observed].sort()).toEqual(["+", "+one", "+two"]);
    await rm(join(directory, "two"), { recursive: true });
    await rename(join(directory, "one"), join(directory, "old"));
    await mkdir(join(directory, "one"));
    expect(await changed()).toEqual(["a.log", "old/b.log"]);
    expect([...observed].sort()).toEqual(["+", "+old", "+one", "-one", "-two"]);
  });

  test("ends its listing when it is told to", async () => {
    const { all } = await settled(["a.log", "one/b.log"]);
    expect((await all.list(true, () => true)).paths).toEqual([]);
  });
});
