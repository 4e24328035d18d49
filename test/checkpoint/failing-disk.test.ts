import { execFileSync } from "node:child_process";
import { access, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { errorCode, UserError } from "../../src/core/errors.ts";
import { JOURNAL } from "../../src/checkpoint/load-state.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { cursor, file, loss, offsetsOf, openJournal } from "./support.ts";

/** A file system of 64 KiB, or undefined where mounting is not allowed. */
function smallDisk(): string | undefined {
  const directory = scratchDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", directory], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", ["-l", directory]));
  return directory;
}

/** Takes all the space that is left. */
async function fill(directory: string): Promise<string> {
  const path = join(directory, "filler");
  for (let size = 64 * 1_024; size > 0; size = Math.floor(size / 2)) {
    try {
      await writeFile(path, Buffer.alloc(size), { flag: "a" });
    } catch (error) {
      if (errorCode(error) !== "ENOSPC") throw error;
    }
  }
  return path;
}

/** Some thousand bytes of changes, so that an append can't fit into the rest of a page. */
const manyFiles = (from: number) => Array.from({ length: 40 }, (_, index) => file(from + index));

describe("a disk that is full", () => {
  test("is said once, loses nothing, and is caught up with when there is room", async ({ skip }) => {
    const directory = smallDisk() ?? skip("mounting a small file system needs root");
    const { journal, events } = await openJournal(directory);
    journal.record({ kind: "file", file: file(1) });
    journal.record({ kind: "cursor", cursor: cursor(1, 10) });
    await journal.flush();
    const filler = await fill(directory);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      for (const entry of manyFiles(2)) journal.record({ kind: "file", file: entry });
      journal.record({ kind: "cursor", cursor: cursor(1, 20 + attempt) });
      await journal.flush();
    }
    expect(events).toMatchObject([{ kind: "checkpoint.failed" }]);
    // A kill now: the torn entry must not stand in the way of what was durable.
    const torn = await readAside(directory);
    expect(offsetsOf(torn.journal)).toEqual({ "a:1": 10 });
    await rm(filler);
    await journal.flush();
    expect(events.map(({ kind }) => kind)).toEqual(["checkpoint.failed", "checkpoint.restored"]);
    await journal.close();
    const again = await openJournal(directory);
    expect([offsetsOf(again.journal), again.journal.files.size, again.journal.damaged]).toEqual([
      { "a:1": 22 },
      41,
      false,
    ]);
  });

  test("no loss is entered twice when the append succeeds and the compaction fails", async ({ skip }) => {
    const directory = smallDisk() ?? skip("mounting a small file system needs root");
    const { journal, events } = await openJournal(directory, 1);
    for (const entry of manyFiles(1).slice(0, 10)) journal.record({ kind: "file", file: entry });
    await journal.flush();
    // Longer than the snapshot, so that a compaction is due.
    const long = { ...loss(1), reason: "r".repeat(5_000) };
    journal.record({ kind: "loss", loss: long });
    // Nothing can take the name of the new snapshot: every compaction fails.
    await mkdir(join(directory, `${JOURNAL}.new`, "in-the-way"), { recursive: true });
    await journal.flush();
    expect(events).toMatchObject([{ kind: "checkpoint.failed" }]);
    await rm(join(directory, `${JOURNAL}.new`), { recursive: true });
    await journal.flush();
    await journal.close();
    const again = await openJournal(directory);
    expect(again.journal.losses).toEqual([long]);
  });
});

test("a compaction for which there is no room leaves the room that there was", async ({ skip }) => {
  const directory = smallDisk() ?? skip("mounting a small file system needs root");
  const { journal, events } = await openJournal(directory, 1);
  for (const entry of manyFiles(1).slice(0, 10)) journal.record({ kind: "file", file: entry });
  await journal.flush();
  // There is room for an entry that is longer than the snapshot, and then for less than another snapshot.
  await writeFile(join(directory, "filler"), Buffer.alloc(36 * 1_024));
  journal.record({ kind: "loss", loss: { ...loss(1), reason: "r".repeat(10_000) } });
  await journal.flush();
  expect(events).toMatchObject([{ kind: "checkpoint.failed", reason: expect.stringContaining("ENOSPC") }]);
  expect((await readAside(directory)).journal.losses).toHaveLength(1);
  await expect(access(join(directory, `${JOURNAL}.new`))).rejects.toThrow("ENOENT");
});

test("a compaction that can't be made does not lose what follows", async () => {
  const directory = scratchDirectory();
  const { journal, events } = await openJournal(directory, 1);
  journal.record({ kind: "file", file: file(1) });
  await journal.flush();
  await mkdir(join(directory, `${JOURNAL}.new`, "in-the-way"), { recursive: true });
  for (let offset = 1; offset <= 3; offset += 1) {
    journal.record({ kind: "cursor", cursor: cursor(1, offset) });
    await journal.flush();
  }
  expect(events.map(({ kind }) => kind)).toEqual(["checkpoint.failed"]);
  const aside = await readAside(directory);
  expect(offsetsOf(aside.journal)).toEqual({ "a:1": 3 });
  await rm(join(directory, `${JOURNAL}.new`), { recursive: true });
  journal.record({ kind: "cursor", cursor: cursor(1, 4) });
  await journal.flush();
  expect(events.map(({ kind }) => kind)).toEqual(["checkpoint.failed", "checkpoint.restored"]);
  await journal.close();
  expect(offsetsOf((await openJournal(directory)).journal)).toEqual({ "a:1": 4 });
});

test("a state directory that is removed is made again, with all that was known", async () => {
  const directory = join(scratchDirectory(), "state");
  await mkdir(directory);
  const { journal, events } = await openJournal(directory);
  journal.record({ kind: "file", file: file(1) });
  await journal.flush();
  await rm(directory, { recursive: true });
  journal.record({ kind: "cursor", cursor: cursor(1, 10) });
  await journal.flush();
  expect(events).toEqual([]);
  await journal.close();
  expect(offsetsOf((await openJournal(directory)).journal)).toEqual({ "a:1": 10 });
});

test("a state directory that is removed is made again although nothing new is to be written down", async () => {
  const directory = join(scratchDirectory(), "state");
  const { journal } = await openJournal(directory);
  journal.record({ kind: "file", file: file(1) });
  journal.record({ kind: "cursor", cursor: cursor(1, 10) });
  await journal.flush();
  await rm(directory, { recursive: true });
  await journal.flush();
  const aside = await readAside(directory);
  expect(offsetsOf(aside.journal)).toEqual({ "a:1": 10 });
});

test("a state directory in whose place there is another gets all that was known", async () => {
  const scratch = scratchDirectory();
  const directory = join(scratch, "state");
  await mkdir(directory);
  const { journal, events } = await openJournal(directory);
  journal.record({ kind: "file", file: file(1) });
  await journal.flush();
  // As a disk that was mounted in the place of a broken one: the open file is still there, and out of reach.
  await rename(directory, join(scratch, "aside"));
  await mkdir(directory);
  journal.record({ kind: "cursor", cursor: cursor(1, 10) });
  await journal.flush();
  journal.record({ kind: "cursor", cursor: cursor(1, 20) });
  await journal.flush();
  expect(events).toEqual([]);
  await journal.close();
  expect(offsetsOf((await openJournal(directory)).journal)).toEqual({ "a:1": 20 });
});

test("a state directory that another agent has is not written to until it is free", async () => {
  const directory = scratchDirectory();
  let isTaken = true;
  const { journal, events } = await openJournal(directory, undefined, async () => {
    if (isTaken) throw new UserError("in use by another tailcar");
  });
  journal.record({ kind: "file", file: file(1) });
  await journal.flush();
  expect(await readdir(directory)).toEqual([]);
  isTaken = false;
  journal.record({ kind: "cursor", cursor: cursor(1, 10) });
  await journal.flush();
  expect(events).toEqual([
    { kind: "checkpoint.failed", reason: "in use by another tailcar" },
    { kind: "checkpoint.restored" },
  ]);
  await journal.close();
  expect(offsetsOf((await openJournal(directory)).journal)).toEqual({ "a:1": 10 });
});

/** Opens a copy of the journal as it stands now, as a start after a kill would find it. */
async function readAside(directory: string): Promise<Awaited<ReturnType<typeof openJournal>>> {
  const copy = scratchDirectory();
  execFileSync("cp", [join(directory, JOURNAL), copy]);
  return openJournal(copy);
}
