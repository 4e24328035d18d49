import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "../../src/core/make-directory.ts";
import { scratchDirectory } from "./scratch.ts";

test("makes a directory and those above it, and minds none that is there", async () => {
  const path = join(scratchDirectory(), "a", "b", "c");
  await makeDirectory(path, 0o700);
  await makeDirectory(path, 0o700);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});

test("several may make the same one, and those beside it, at the same time", async () => {
  for (let round = 0; round < 50; round += 1) {
    const parent = join(scratchDirectory(), "a", "b");
    const paths = ["c", "c", "d", "e", "f"].map((name) => join(parent, name));
    await Promise.all(paths.map((path) => makeDirectory(path, 0o700)));
    expect((await readdir(parent)).sort()).toEqual(["c", "d", "e", "f"]);
  }
});

test("a parent that takes no directory is an error, and not an endless attempt", async () => {
  await expect(makeDirectory("/proc/tailcar/state", 0o700)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a file in the way is an error", async () => {
  const path = join(scratchDirectory(), "file");
  await writeFile(path, "");
  await expect(makeDirectory(path, 0o700)).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeDirectory(join(path, "below"), 0o700)).rejects.toMatchObject({ code: "ENOTDIR" });
});
