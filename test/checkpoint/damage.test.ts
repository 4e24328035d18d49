import { copyFile, link, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { JOURNAL } from "../../src/checkpoint/load-state.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { counters, cursor, file, loss, offsetsOf, openJournal, stateOf } from "./support.ts";

/**
 * What a run leaves: `previous` holds cursors a:1 10 and a:2 10, the journal begins with a snapshot of them and goes on with
 * a:1 20, then a:2 20, then a:1 30, an entry each.
 */
async function leftBehind(): Promise<string> {
  const directory = scratchDirectory();
  const first = await openJournal(directory);
  for (const id of [1, 2]) {
    first.journal.record({ kind: "file", file: file(id) });
    first.journal.record({ kind: "cursor", cursor: cursor(id, 10) });
  }
  await first.journal.close();
  const { journal } = await openJournal(directory);
  for (const [id, offset] of [
    [1, 20],
    [2, 20],
    [1, 30],
  ] as const) {
    journal.record({ kind: "cursor", cursor: cursor(id, offset) });
    await journal.flush();
  }
  await journal.close();
  return join(directory, JOURNAL);
}

const open = (path: string) => openJournal(join(path, ".."));

async function damageLine(path: string, number: number): Promise<void> {
  const lines = (await readFile(path, "utf8")).split("\n");
  lines[number - 1] = `${lines[number - 1]?.slice(0, -3) ?? ""}#]}`;
  await writeFile(path, lines.join("\n"));
}

describe("damage", () => {
  test("none: nothing is said", async () => {
    const { journal, events } = await open(await leftBehind());
    expect([offsetsOf(journal), events]).toEqual([{ "a:1": 30, "a:2": 20 }, []]);
    await journal.close();
  });

  test("a torn last line is cut; the entries before it stand", async () => {
    const path = await leftBehind();
    const { length } = await readFile(path);
    for (const cut of [1, 5, 100]) {
      const directory = scratchDirectory();
      await copyFile(path, join(directory, JOURNAL));
      await truncate(join(directory, JOURNAL), length - cut);
      const { journal, events } = await openJournal(directory);
      expect(offsetsOf(journal)).toEqual({ "a:1": 20, "a:2": 20 });
      expect(events).toMatchObject([{ kind: "checkpoint.damaged", line: 5 }]);
      await journal.close();
      // What was damaged is mended: the next start says nothing.
      const again = await openJournal(directory);
      expect([offsetsOf(again.journal), again.events]).toEqual([{ "a:1": 20, "a:2": 20 }, []]);
      await again.journal.close();
    }
  });

  test.each([
    ["the header", 1, { "a:1": 30, "a:2": 20 }],
    ["the snapshot", 2, { "a:1": 30, "a:2": 20 }],
    ["an entry in the middle", 4, { "a:1": 30, "a:2": 10 }],
    ["the last entry", 5, { "a:1": 20, "a:2": 20 }],
  ])("in %s: no cursor is ahead of the truth, and none is missing", async (_, line, expected) => {
    const path = await leftBehind();
    expect((await readFile(path, "utf8")).trimEnd().split("\n")).toHaveLength(5);
    await damageLine(path, line);
    const { journal, events } = await open(path);
    expect(offsetsOf(journal)).toEqual(expected);
    expect([journal.resumed, journal.damaged]).toEqual([true, true]);
    expect(events).toMatchObject([{ kind: "checkpoint.damaged", line }]);
    await journal.close();
  });

  test.each([
    ["emptied", ""],
    ["overwritten with zeros", "\0".repeat(4_096)],
    ["overwritten with garbage", "\uFFFD garbage \n\n not ours\n"],
  ])("of everything (%s): the previous copy stands", async (_, content) => {
    const path = await leftBehind();
    await writeFile(path, content);
    const { journal, events } = await open(path);
    expect(offsetsOf(journal)).toEqual({ "a:1": 10, "a:2": 10 });
    expect([journal.resumed, journal.damaged]).toEqual([true, true]);
    expect(events.map(({ kind }) => kind)).toContain("checkpoint.damaged");
    await journal.close();
  });

  test("of both copies: it starts, says so, and knows that it was resumed", async () => {
    const path = await leftBehind();
    await writeFile(path, "garbage");
    await writeFile(`${path}.previous`, "garbage");
    const { journal, events } = await open(path);
    expect([journal.resumed, journal.damaged]).toEqual([true, true]);
    expect(offsetsOf(journal)).toEqual({});
    expect(events.map(({ kind }) => kind)).toContain("checkpoint.damaged");
    await journal.close();
  });

  test("a journal that is missing beside its previous copy was left behind all the same", async () => {
    const path = await leftBehind();
    await rm(path);
    const { journal } = await open(path);
    expect(journal.resumed).toBe(true);
    expect(offsetsOf(journal)).toEqual({ "a:1": 10, "a:2": 10 });
    await journal.close();
  });

  test("a loss is counted once, although the previous copy and the journal both hold it", async () => {
    const directory = scratchDirectory();
    const first = await openJournal(directory);
    first.journal.record({ kind: "file", file: file(1) });
    first.journal.record({ kind: "loss", loss: loss(1) });
    await first.journal.close();
    const second = await openJournal(directory);
    second.journal.record({ kind: "cursor", cursor: cursor(1, 5) });
    await second.journal.close();
    await damageLine(join(directory, JOURNAL), 3);
    const { journal } = await openJournal(directory);
    expect(journal.losses).toEqual([loss(1)]);
    await journal.close();
  });

  test("a file that was forgotten since the previous copy comes back without being counted twice", async () => {
    const directory = scratchDirectory();
    const first = await openJournal(directory);
    first.journal.record({ kind: "file", file: file(1) });
    first.journal.record({ kind: "file", file: file(2) });
    first.journal.record({ kind: "cursor", cursor: cursor(1, 1_000) });
    await first.journal.close();
    const second = await openJournal(directory);
    second.journal.record({ kind: "totals", sink: "a", counters: counters(1_000) });
    second.journal.record({ kind: "forget", file: 1 });
    second.journal.record({ kind: "cursor", cursor: cursor(2, 5) });
    await second.journal.flush();
    second.journal.record({ kind: "cursor", cursor: cursor(2, 6) });
    await second.journal.close();
    const path = join(directory, JOURNAL);
    // The entry that forgets it is compacted away; the previous copy still knows the file.
    const previous = await readFile(`${path}.previous`);
    await (await openJournal(directory)).journal.close();
    await writeFile(`${path}.previous`, previous);
    await truncate(path, (await readFile(path)).length - 2);
    const { journal } = await openJournal(directory);
    // The snapshot that says so is damaged. Its cursor counts again, so the totals must not hold it too.
    expect(journal.files.has(1)).toBe(true);
    expect(journal.totals.get("a")).toBeUndefined();
    await journal.close();
  });
});

describe("a crash in a compaction", () => {
  const states: Readonly<Record<string, (path: string) => Promise<void>>> = {
    "after the new file was begun": (path) => writeFile(`${path}.new`, "1234"),
    "when the new file is complete": (path) => copyFile(path, `${path}.new`),
    "when the journal has its second name": async (path) => {
      await copyFile(path, `${path}.new`);
      await link(path, `${path}.previous.new`);
    },
    "when the second name has replaced the previous copy": async (path) => {
      await copyFile(path, `${path}.new`);
      await link(path, `${path}.previous.new`);
      await rename(`${path}.previous.new`, `${path}.previous`);
    },
    "when the new file has replaced the journal": async (path) => {
      await copyFile(path, `${path}.new`);
      await link(path, `${path}.previous.new`);
      await rename(`${path}.previous.new`, `${path}.previous`);
      await rename(`${path}.new`, path);
    },
  };

  test.each(Object.entries(states))("%s loses nothing", async (_, leave) => {
    const path = await leftBehind();
    await leave(path);
    const { journal, events } = await open(path);
    expect([offsetsOf(journal), events]).toEqual([{ "a:1": 30, "a:2": 20 }, []]);
    journal.record({ kind: "cursor", cursor: cursor(2, 99) });
    await journal.close();
    const again = await open(path);
    expect([offsetsOf(again.journal), again.events]).toEqual([{ "a:1": 30, "a:2": 99 }, []]);
    expect(stateOf(again.journal).files).toHaveLength(2);
    await again.journal.close();
  });
});
