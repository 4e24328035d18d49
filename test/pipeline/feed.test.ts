import { describe, expect, test } from "vitest";
import type { Position } from "../../src/core/checkpoint.ts";
import type { FollowedFile, ReadResult } from "../../src/core/reading.ts";
import { Segment } from "../../src/core/segment.ts";
import type { TrackedRange } from "../../src/pipeline/ack-tracker.ts";
import { Feed } from "../../src/pipeline/feed.ts";
import { accountOf } from "../../src/pipeline/ledger.ts";
import { noCounters } from "../../src/pipeline/counters.ts";
import type { Slice } from "../../src/pipeline/progress.ts";
import { TestClock } from "../core/test-clock.ts";
import { FakeFile, pool, recordOf, segmentOf } from "./fakes.ts";

const START = { offset: 0, crc: 0, tail: 0 };
const MIB = 1_024 ** 2;

type Read = (file: FollowedFile, position: Position, final: boolean) => ReadResult;

function world(read: Read) {
  const suspects: number[] = [];
  const passed: TrackedRange[] = [];
  const reads: string[] = [];
  const feed = new Feed({
    sink: "a",
    clock: new TestClock(),
    reader: {
      read: async (file, position, final) => {
        reads.push(`${file.id}@${position.offset}${final ? " final" : ""}`);
        return read(file, position, final);
      },
      readAgain: async () => ({ kind: "unreadable" }),
    },
    suspect: ({ id }) => suspects.push(id),
    passed: (_, ranges) => passed.push(...ranges),
  });
  return { feed, suspects, passed, reads };
}

/** Reads files whose contents are given, a line at a time or as a whole. */
const contents =
  (texts: Readonly<Record<number, string>>, segmentBytes = Number.POSITIVE_INFINITY): Read =>
  (file, { offset }, final) => {
    const rest = (texts[file.id] ?? "").slice(offset, Math.min(offset + segmentBytes, file.size));
    const end = final ? rest.length : rest.lastIndexOf("\n") + 1;
    if (end === 0) return { kind: "atEnd" };
    const text = rest.slice(0, end);
    if (text.endsWith("\n")) return { kind: "segment", segment: segmentOf(text, offset) };
    const record = recordOf(text, offset, text.length);
    return { kind: "segment", segment: new Segment(offset, offset + end, [record], Buffer.from(text), pool) };
  };

const bodies = (slice: Slice | undefined): string => (slice?.records ?? []).map(({ body }) => body).join(",");

function follow(feed: Feed, ...files: readonly FakeFile[]): void {
  for (const file of files) {
    feed.follow(file, START);
    feed.wake(file);
  }
}

/** The first file ends with a record that may go on. */
const waiting: Read = (file, position, final) =>
  file.id === 1 ? { kind: "atEnd", wholeAtMs: 9_000 } : contents({ 2: "young\n" })(file, position, final);

describe("the feed", () => {
  test("takes turns between streams, a segment each, so that no stream waits with a segment in its hands", async () => {
    // Segments of two records, so that the first stream needs two turns.
    const { feed } = world(contents({ 1: "a1\na2\na3\n", 2: "b1\nb2\n", 3: "c1\n" }, 6));
    follow(feed, new FakeFile(1, 9), new FakeFile(2, 6), new FakeFile(3, 3));
    const taken: string[] = [];
    for (let slice = await feed.next(1, 100); slice !== undefined; slice = await feed.next(1, 100))
      taken.push(bodies(slice));
    expect(taken).toEqual(["a1", "a2", "b1", "b2", "c1", "a3"]);
  });

  test("reads the generations of a stream oldest first, in whatever order they were followed", async () => {
    const { feed } = world(contents({ 1: "old1\nold2\n", 2: "mid\n", 3: "new\n" }));
    follow(feed, new FakeFile(3, 4, "/s"), new FakeFile(1, 10, "/s"), new FakeFile(2, 4, "/s"));
    const taken: string[] = [];
    for (let slice = await feed.next(1, 100); slice !== undefined; slice = await feed.next(1, 100))
      taken.push(bodies(slice));
    expect(taken).toEqual(["old1", "old2", "mid", "new"]);
  });

  test("lets a younger generation wait for the record that may go on at the end of the older one, but not at the very end", async () => {
    const { feed } = world(waiting);
    follow(feed, new FakeFile(1, 10, "/s"), new FakeFile(2, 6, "/s"));
    expect(await feed.next(10, 100)).toBeUndefined();
    feed.hurry();
    expect(bodies(await feed.next(10, 100))).toBe("young");
  });

  test("reads no file before it is woken, and each again when it is woken again", async () => {
    const texts = { 1: "a\n" };
    const { feed, reads } = world((...args) => contents(texts)(...args));
    const file = new FakeFile(1, 2);
    feed.follow(file, START);
    expect([await feed.next(10, 100), reads]).toEqual([undefined, []]);
    feed.wake(file);
    expect(bodies(await feed.next(10, 100))).toBe("a");
    expect(await feed.next(10, 100)).toBeUndefined();
    texts[1] = "a\nb\n";
    file.size = 4;
    expect(await feed.next(10, 100)).toBeUndefined();
    feed.wake(file);
    expect(bodies(await feed.next(10, 100))).toBe("b");
  });

  test("moves the cursor over blank lines without a delivery", async () => {
    const { feed, passed } = world(contents({ 1: "\n\n\r\n".replace("\r", "") }));
    const file = new FakeFile(1, 3);
    follow(feed, file);
    expect((await feed.next(10, 100))?.records).toEqual([]);
    expect(passed).toMatchObject([{ end: { offset: 3 }, counters: { filteredBytes: 3 } }]);
    expect(feed.get(file)?.isComplete).toBe(true);
  });

  test("reads no further ahead of a cursor than the window, and no younger generation instead", async () => {
    const piece = Buffer.alloc(8 * MIB);
    const { feed } = world((_file, { offset }) => ({
      kind: "segment",
      segment: new Segment(offset, offset + piece.length, [recordOf("x", offset, piece.length)], piece, pool),
    }));
    const old = new FakeFile(1, 1_000 * MIB, "/s");
    const young = new FakeFile(2, 1_000 * MIB, "/s");
    follow(feed, old, young);
    const slices: Slice[] = [];
    for (
      let slice = await feed.next(1, 1e9);
      slice !== undefined && slices.length < 30;
      slice = await feed.next(1, 1e9)
    )
      slices.push(slice);
    expect(slices.length).toBe(8);
    expect(new Set(slices.map(({ progress }) => progress.file.id))).toEqual(new Set([1]));
    const [first] = slices;
    if (first !== undefined) feed.get(old)?.finish(first);
    expect((await feed.next(1, 1e9))?.progress.file.id).toBe(1);
  });

  test("what is read ahead in many files is bounded together, and a file that has no part in it is read on", async () => {
    const piece = Buffer.alloc(8 * MIB);
    const { feed } = world((_file, { offset }) => ({
      kind: "segment",
      segment: new Segment(offset, offset + piece.length, [recordOf("x", offset, piece.length)], piece, pool),
    }));
    const files = [1, 2, 3, 4].map((id) => new FakeFile(id, 1_000 * MIB));
    follow(feed, ...files);
    const slices: Slice[] = [];
    for (let slice = await feed.next(1, 1e9); slice !== undefined; slice = await feed.next(1, 1e9)) slices.push(slice);
    expect(slices.length).toBe(8);
    const fifth = new FakeFile(5, 1_000 * MIB);
    follow(feed, fifth);
    const next = await feed.next(1, 1e9);
    expect(next?.progress.file.id).toBe(5);
    expect(await feed.next(1, 1e9)).toBeUndefined();
    // Acknowledged, it goes on, although the others still wait.
    if (next !== undefined) feed.get(fifth)?.finish(next);
    expect((await feed.next(1, 1e9))?.progress.file.id).toBe(5);
  });

  test("another stream goes on while one is at its window", async () => {
    const piece = Buffer.alloc(8 * MIB);
    const { feed } = world((file, { offset }) => {
      if (file.id === 2) return offset === 0 ? { kind: "segment", segment: segmentOf("b\n") } : { kind: "atEnd" };
      return {
        kind: "segment",
        segment: new Segment(offset, offset + piece.length, [recordOf("x", offset, piece.length)], piece, pool),
      };
    });
    follow(feed, new FakeFile(1, 1_000 * MIB), new FakeFile(2, 2));
    const ids: number[] = [];
    for (let slice = await feed.next(1, 1e9); slice !== undefined; slice = await feed.next(1, 1e9))
      ids.push(slice.progress.file.id);
    expect(ids.filter((id) => id === 2)).toHaveLength(1);
  });
});

describe("what can't be read", () => {
  test("because the bytes before the position changed is looked into, and read again when the file is woken", async () => {
    let changed = true;
    const { feed, suspects } = world((...args) => (changed ? { kind: "changed" } : contents({ 1: "a\n" })(...args)));
    const file = new FakeFile(1, 2);
    follow(feed, file);
    expect([await feed.next(10, 100), suspects]).toEqual([undefined, [1]]);
    changed = false;
    feed.wake(file);
    expect(bodies(await feed.next(10, 100))).toBe("a");
  });

  test("because it is out of reach for good is lost, by its exact range, and the account balances", async () => {
    const { feed, passed } = world((...args) =>
      args[0].state === "gone" ? { kind: "unreadable" } : contents({ 1: "a\nb\n" })(...args),
    );
    const file = new FakeFile(1, 10);
    follow(feed, file);
    const slice = await feed.next(1, 100);
    if (slice !== undefined) feed.get(file)?.finish(slice);
    file.state = "gone";
    feed.wake(file);
    // What stands in memory already is delivered.
    const rest = await feed.next(10, 100);
    expect(bodies(rest)).toBe("b");
    expect(await feed.next(10, 100)).toBeUndefined();
    expect(passed).toEqual([]);
    expect(rest && feed.get(file)?.finish(rest)).toMatchObject([{}, { loss: { from: 4, to: 10, sink: "a", file: 1 } }]);
    expect(accountOf(feed.progresses, undefined)).toMatchObject({
      deliveredBytes: 4,
      lostBytes: 6,
      pendingBytes: 0,
      imbalanceBytes: 0,
    });
  });

  test("is lost without what was sent of it as a partial line", async () => {
    const { feed, passed } = world(() => ({ kind: "unreadable" }));
    const file = new FakeFile(1, 10);
    const counters = { ...noCounters(), deliveredBytes: 4, deliveredRecords: 1 };
    feed.follow(file, {
      sink: "a",
      file: 1,
      first: 0,
      position: { offset: 4, crc: 0, tail: 0 },
      counters,
      partial: { length: 5, crc: 1 },
    });
    file.state = "gone";
    feed.wake(file);
    await feed.next(10, 100);
    expect(passed).toMatchObject([{ loss: { from: 9, to: 10 } }]);
    expect(accountOf(feed.progresses, undefined)).toMatchObject({ deliveredBytes: 9, lostBytes: 1, imbalanceBytes: 0 });
  });
});

/** Nothing is left of any segment. */
const nothing =
  (size: number, segmentBytes: number): Read =>
  (_file, { offset }, final) => {
    const end = Math.min(offset + segmentBytes, size);
    if (end === size && !final && size % segmentBytes !== 0) return { kind: "atEnd" };
    const bytes = Buffer.alloc(end - offset, "x");
    return { kind: "segment", segment: new Segment(offset, end, [], bytes, pool) };
  };

describe("what is filtered", () => {
  test("is passed a segment at a time, so that whoever asks can stop in between; the cursor moves each time", async () => {
    const { feed, passed } = world(nothing(30, 10));
    const file = new FakeFile(1, 30);
    follow(feed, file);
    for (const offset of [10, 20, 30]) {
      expect((await feed.next(10, 100))?.records).toEqual([]);
      expect(passed.at(-1)).toMatchObject({ end: { offset }, counters: { filteredBytes: 10, deliveredRecords: 0 } });
    }
    expect(await feed.next(10, 100)).toBeUndefined();
    expect(feed.get(file)?.isComplete).toBe(true);
  });

  test("also as an unfinished last line: nothing is owed then, and it is judged anew when it is complete", async () => {
    const before = world(nothing(15, 10)).feed;
    const file = new FakeFile(1, 15);
    follow(before, file);
    expect((await before.next(10, 100))?.records).toEqual([]);
    expect(await before.next(10, 100)).toBeUndefined();
    for await (const slice of before.partials(false)) {
      expect(slice.records).toEqual([]);
      slice.progress.finish(slice);
    }
    const settled = { filteredBytes: 15, deliveredBytes: 0, pendingBytes: 0, imbalanceBytes: 0 };
    expect(accountOf(before.progresses, undefined)).toMatchObject(settled);

    const checkpoint = before.get(file)?.checkpoint("a");
    if (checkpoint === undefined) throw new Error("no cursor");
    const { feed } = world(nothing(15, 10));
    feed.follow(file, JSON.parse(JSON.stringify(checkpoint)));
    file.state = "final";
    feed.wake(file);
    expect(await feed.next(10, 100)).toBeUndefined();
    expect(feed.get(file)?.cursor.offset).toBe(15);
    expect(accountOf(feed.progresses, undefined)).toMatchObject({ ...settled, deliveredRecords: 0, resentRecords: 0 });
  });
});

describe("an unfinished last line", () => {
  test("waits while the file can grow, and is a line when it can't", async () => {
    const { feed } = world(contents({ 1: "a\nbc" }));
    const file = new FakeFile(1, 4);
    follow(feed, file);
    expect(bodies(await feed.next(10, 100))).toBe("a");
    expect(await feed.next(10, 100)).toBeUndefined();
    file.state = "final";
    feed.wake(file);
    expect(bodies(await feed.next(10, 100))).toBe("bc");
  });

  test("is given out at shutdown: the cursor stays before it, and moves over it when the file is complete", async () => {
    for (const moveOver of [false, true]) {
      const { feed } = world(contents({ 1: "a\nbc", 2: "d\n" }));
      const file = new FakeFile(1, 4);
      follow(feed, file, new FakeFile(2, 2));
      for (let slice = await feed.next(10, 100); slice !== undefined; slice = await feed.next(10, 100))
        slice.progress.finish(slice);
      const slices: Slice[] = [];
      for await (const slice of feed.partials(moveOver)) {
        slices.push(slice);
        slice.progress.finish(slice);
      }
      expect(slices.map(bodies)).toEqual(["bc"]);
      expect(feed.get(file)?.cursor.offset).toBe(moveOver ? 4 : 2);
      expect(accountOf(feed.progresses, undefined)).toMatchObject({
        deliveredBytes: 6,
        pendingBytes: 0,
        imbalanceBytes: 0,
      });
    }
  });

  test("that was sent at the last stop and is final now is not sent again", async () => {
    const { feed, passed } = world(contents({ 1: "a\nbc" }));
    const file = new FakeFile(1, 4);
    const before = world(contents({ 1: "a\nbc" })).feed;
    follow(before, file);
    const whole = await before.next(10, 100);
    if (whole !== undefined) whole.progress.finish(whole);
    await before.next(10, 100);
    for await (const slice of before.partials(false)) slice.progress.finish(slice);
    const checkpoint = before.get(file)?.checkpoint("a");
    if (checkpoint === undefined) throw new Error("no checkpoint");
    file.state = "final";
    feed.follow(file, checkpoint);
    feed.wake(file);
    expect(await feed.next(10, 100)).toBeUndefined();
    expect(passed).toMatchObject([{ end: { offset: 4 }, counters: { deliveredBytes: 2 } }]);
    expect(feed.get(file)?.isComplete).toBe(true);
  });
});
