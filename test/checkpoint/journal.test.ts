import { mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/core/errors.ts";
import { JOURNAL } from "../../src/checkpoint/load-state.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { counters, cursor, file, loss, offsetsOf, openJournal, stateOf } from "./support.ts";

describe("the journal", () => {
  test("is empty and not resumed in a new directory", async () => {
    const { journal, events } = await openJournal(scratchDirectory());
    expect([journal.resumed, journal.damaged, events]).toEqual([false, false, []]);
    expect(stateOf(journal)).toEqual({ files: [], cursors: [], totals: [], losses: [] });
    await journal.close();
  });

  test("that can't be read ends the start with a sentence for the user", async () => {
    const directory = scratchDirectory();
    await mkdir(join(directory, JOURNAL));
    await expect(openJournal(directory)).rejects.toThrow(/^the checkpoints can't be read: EISDIR/);
    await expect(openJournal(directory)).rejects.toBeInstanceOf(UserError);
  });

  test("gives everything back that was flushed", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    journal.record({ kind: "file", file: file(1) });
    journal.record({ kind: "file", file: file(2, { rotated: true, format: "raw" }) });
    journal.record({ kind: "cursor", cursor: cursor(1, 500) });
    journal.record({ kind: "cursor", cursor: cursor(1, 700, "b", { first: 100, partial: { length: 4, crc: 9 } }) });
    journal.record({ kind: "totals", sink: "a", counters: counters(77) });
    journal.record({ kind: "loss", loss: loss(2) });
    const before = stateOf(journal);
    await journal.close();
    const again = await openJournal(directory);
    expect([again.journal.resumed, again.journal.damaged, again.events]).toEqual([true, false, []]);
    expect(stateOf(again.journal)).toEqual(before);
    await again.journal.close();
  });

  test("holds what was flushed, and not what was only recorded, when the process dies", async () => {
    const directory = scratchDirectory();
    const dying = await openJournal(directory);
    dying.journal.record({ kind: "file", file: file(1) });
    dying.journal.record({ kind: "cursor", cursor: cursor(1, 10) });
    await dying.journal.flush();
    dying.journal.record({ kind: "cursor", cursor: cursor(1, 20) });
    // No close: what a kill leaves.
    const { journal } = await openJournal(directory);
    expect(offsetsOf(journal)).toEqual({ "a:1": 10 });
    await journal.close();
  });

  test("keeps what is recorded while a flush is under way for the next one", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    journal.record({ kind: "file", file: file(1) });
    journal.record({ kind: "cursor", cursor: cursor(1, 10) });
    const first = journal.flush();
    journal.record({ kind: "cursor", cursor: cursor(1, 20) });
    const second = journal.flush();
    await Promise.all([first, second]);
    const lines = (await readFile(join(directory, JOURNAL), "utf8")).trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(3);
    const again = await openJournal(directory);
    expect(offsetsOf(again.journal)).toEqual({ "a:1": 20 });
    await again.journal.close();
    await journal.close();
  });

  test("writes nothing when nothing changed", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    const { size } = await stat(join(directory, JOURNAL));
    await journal.flush();
    await journal.flush();
    expect((await stat(join(directory, JOURNAL))).size).toBe(size);
    await journal.close();
  });

  test("writes only the latest value of what changed several times, but each loss", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    journal.record({ kind: "file", file: file(1) });
    for (let offset = 0; offset < 100; offset += 1) journal.record({ kind: "cursor", cursor: cursor(1, offset) });
    for (let i = 0; i < 3; i += 1) journal.record({ kind: "loss", loss: loss(1, i, i + 1) });
    await journal.flush();
    const text = await readFile(join(directory, JOURNAL), "utf8");
    expect(text.match(/"kind":"cursor"/g)).toHaveLength(1);
    expect(text.match(/"kind":"loss"/g)).toHaveLength(3);
    await journal.close();
  });

  test("is compacted when it has grown enough, and stays small", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory, 4_096);
    journal.record({ kind: "file", file: file(1) });
    for (let offset = 1; offset <= 500; offset += 1) {
      journal.record({ kind: "cursor", cursor: cursor(1, offset) });
      await journal.flush();
    }
    expect((await stat(join(directory, JOURNAL))).size).toBeLessThan(4_096 + 3_000);
    await journal.close();
    const again = await openJournal(directory);
    expect(offsetsOf(again.journal)).toEqual({ "a:1": 500 });
    await again.journal.close();
  });

  test("is for its owner's eyes only, and leaves no other files", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    await journal.close();
    const again = await openJournal(directory);
    await again.journal.close();
    expect((await readdir(directory)).sort()).toEqual([JOURNAL, `${JOURNAL}.previous`]);
    for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o077).toBe(0);
  });

  test("thousands of files fit into lines of bounded length", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    for (let id = 1; id <= 3_000; id += 1) {
      journal.record({ kind: "file", file: file(id) });
      journal.record({ kind: "cursor", cursor: cursor(id, id) });
    }
    await journal.close();
    const again = await openJournal(directory);
    expect(again.journal.files.size).toBe(3_000);
    const lines = (await readFile(join(directory, JOURNAL), "utf8")).split("\n");
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(500_000);
    await again.journal.close();
  });

  test("losses are bounded in number; of the oldest the sum is kept", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    for (let i = 0; i < 1_500; i += 1) journal.record({ kind: "loss", loss: loss(1, i, i + 1) });
    expect(journal.losses.length).toBeLessThanOrEqual(1_001);
    expect(journal.losses.at(-1)?.from).toBe(1_499);
    const sum = (losses: typeof journal.losses) =>
      losses.reduce((all, { from, to, bytes }) => all + (bytes ?? to - from), 0);
    expect(sum(journal.losses)).toBe(1_500);
    await journal.close();
    const again = await openJournal(directory);
    expect([sum(again.journal.losses), again.journal.losses.find(({ rolledUp }) => rolledUp)]).toMatchObject([
      1_500,
      { rolledUp: 500, bytes: 500 },
    ]);
    await again.journal.close();
  });

  test("a cursor of a file that no entry names is dropped", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    journal.record({ kind: "cursor", cursor: cursor(7, 70) });
    await journal.close();
    const again = await openJournal(directory);
    expect(offsetsOf(again.journal)).toEqual({});
    expect(again.journal.nextFileId()).toBeGreaterThan(7);
    await again.journal.close();
  });
});

describe("file numbers", () => {
  test("go on where they ended", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    const ids = [journal.nextFileId(), journal.nextFileId()];
    for (const id of ids) journal.record({ kind: "file", file: file(id) });
    await journal.close();
    const again = await openJournal(directory);
    expect(again.journal.nextFileId()).toBe(Math.max(...ids) + 1);
    await again.journal.close();
  });

  test("are never used again, however often it is compacted after the file was forgotten", async () => {
    const directory = scratchDirectory();
    const used = new Set<number>();
    for (let run = 0; run < 4; run += 1) {
      const { journal } = await openJournal(directory);
      const id = journal.nextFileId();
      expect(used.has(id)).toBe(false);
      used.add(id);
      journal.record({ kind: "file", file: file(id) });
      await journal.flush();
      journal.record({ kind: "forget", file: id });
      await journal.close();
      // A start compacts: after this one no entry names the forgotten file.
      await (await openJournal(directory)).journal.close();
    }
  });

  test("of a header of another version: the journal is damaged, and the agent still starts", async () => {
    const directory = scratchDirectory();
    const { journal } = await openJournal(directory);
    journal.record({ kind: "file", file: file(1) });
    await journal.close();
    // CRC-32 of the JSON, as a later version would write it.
    const { crc32 } = await import("node:zlib");
    const json = '{"journal":"tailcar","version":2}';
    await writeFile(join(directory, JOURNAL), `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`);
    const again = await openJournal(directory);
    expect([again.journal.resumed, again.journal.damaged]).toEqual([true, true]);
    await again.journal.close();
  });
});
