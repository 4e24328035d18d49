import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openConfined } from "../../src/files/confinement.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { descriptorsIn } from "./scene.ts";

interface World {
  readonly root: string;
  readonly outside: string;
}

const cases: readonly (readonly [
  string,
  (world: World) => Promise<string>,
  "opened" | "refused" | "missing" | "unreadable",
])[] = [
  ["a regular file", async ({ root }) => join(root, "a.log"), "opened"],
  ["nothing", async ({ root }) => join(root, "nothing"), "missing"],
  ["a directory", async ({ root }) => root, "refused"],
  ["a file outside", async ({ outside }) => join(outside, "secret"), "refused"],
  ["a path that climbs out", async ({ root }) => join(root, "..", "outside", "secret"), "refused"],
  [
    "a link to a file inside",
    async ({ root }) => {
      await symlink("a.log", join(root, "link"));
      return join(root, "link");
    },
    "opened",
  ],
  [
    "a link to a file outside",
    async ({ root, outside }) => {
      await symlink(join(outside, "secret"), join(root, "link"));
      return join(root, "link");
    },
    "refused",
  ],
  [
    "a file below a link to a directory outside",
    async ({ root, outside }) => {
      await symlink(outside, join(root, "sub"));
      return join(root, "sub", "secret");
    },
    "refused",
  ],
  [
    "a link to itself",
    async ({ root }) => {
      await symlink("loop", join(root, "loop"));
      return join(root, "loop");
    },
    "refused",
  ],
  [
    "a FIFO that nobody writes to",
    async ({ root }) => {
      execFileSync("mkfifo", [join(root, "fifo")]);
      return join(root, "fifo");
    },
    "refused",
  ],
  [
    "a device",
    async ({ root }) => {
      await symlink("/dev/zero", join(root, "zero"));
      return join(root, "zero");
    },
    "refused",
  ],
  [
    "a file of /proc",
    async ({ root }) => {
      await symlink("/proc/self/environ", join(root, "environ"));
      return join(root, "environ");
    },
    "refused",
  ],
];

test.each(cases)("%s", async (_, make, expected) => {
  const base = scratchDirectory();
  const world = { root: join(base, "root"), outside: join(base, "outside") };
  await mkdir(world.root);
  await mkdir(world.outside);
  await writeFile(join(world.root, "a.log"), "one\n");
  await writeFile(join(world.outside, "secret"), "password");
  const result = await openConfined(await make(world), [world.root]);
  if (result.kind === "opened") await result.handle.close();
  expect(result.kind).toBe(expected);
  expect(descriptorsIn(base)).toEqual([]);
});

test("without a root nothing is opened", async () => {
  const directory = scratchDirectory();
  await writeFile(join(directory, "a.log"), "one\n");
  expect((await openConfined(join(directory, "a.log"), [])).kind).toBe("refused");
  await rm(join(directory, "a.log"));
});
