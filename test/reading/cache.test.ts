import { describe, expect, test } from "vitest";
import { BufferPool } from "../../src/core/buffer-pool.ts";
import type { ReadResult } from "../../src/core/reading.ts";
import { Segment } from "../../src/core/segment.ts";
import { SegmentCache } from "../../src/reading/cache.ts";

const pool = new BufferPool(0);

/** More than ask for any segment of these tests. */
const SINKS = 5;

const segment = (bytes: number): Segment => new Segment(0, bytes, [], Buffer.alloc(bytes), pool);

interface Loader {
  loads: number;
  readonly load: () => Promise<ReadResult>;
}

function loader(result: () => ReadResult): Loader {
  const counting: Loader = {
    loads: 0,
    load: async () => {
      counting.loads += 1;
      return result();
    },
  };
  return counting;
}

const segments = (bytes: number): Loader => loader(() => ({ kind: "segment", segment: segment(bytes) }));

async function held(result: Promise<ReadResult>): Promise<Segment> {
  const value = await result;
  if (value.kind !== "segment") throw new Error(`unexpected: ${value.kind}`);
  return value.segment;
}

const failing = (): Promise<ReadResult> => Promise.reject(new Error("bug"));

describe("the cache of segments", () => {
  test("three sinks that ask at the same time share one read, and each may release it", async () => {
    const cache = new SegmentCache(1_000, SINKS);
    const counting = segments(100);
    const got = await Promise.all([1, 2, 3].map(() => held(cache.get("1:0", counting.load))));
    expect(counting.loads).toBe(1);
    expect(new Set(got).size).toBe(1);
    for (const one of got) one.release();
    const later = await held(cache.get("1:0", counting.load));
    expect(counting.loads).toBe(1);
    later.release();
  });

  test("a segment that all have let go and the cache has dropped is free: one release more is a bug", async () => {
    const cache = new SegmentCache(0, SINKS);
    const one = await held(cache.get("1:0", segments(100).load));
    one.release();
    expect(() => one.release()).toThrow(/nobody held/);
  });

  test("is bounded in bytes: the least recently used is dropped first", async () => {
    const cache = new SegmentCache(700, SINKS);
    const loaders = new Map(["a", "b", "c"].map((key) => [key, segments(100)]));
    const get = async (key: string): Promise<void> => {
      const counting = loaders.get(key);
      if (counting !== undefined) (await held(cache.get(key, counting.load))).release();
    };
    for (const key of ["a", "b", "c", "a"]) await get(key);
    expect([...loaders.values()].map(({ loads }) => loads)).toEqual([1, 1, 1]);
    loaders.set("d", segments(150));
    await get("d");
    for (const key of ["a", "c"]) await get(key);
    expect(loaders.get("a")?.loads).toBe(1);
    await get("b");
    expect(loaders.get("b")?.loads).toBe(2);
  });

  test("a segment that every sink has had is let go", async () => {
    const cache = new SegmentCache(1_000, 3);
    const counting = segments(100);
    const together = await Promise.all([held(cache.get("1:0", counting.load)), held(cache.get("1:0", counting.load))]);
    const last = await held(cache.get("1:0", counting.load));
    expect(counting.loads).toBe(1);
    for (const one of [...together, last]) one.release();
    expect(() => last.release()).toThrow(/nobody held/);
    (await held(cache.get("1:0", counting.load))).release();
    expect(counting.loads).toBe(2);
  });

  test("a segment larger than the bound is given out and not kept", async () => {
    const cache = new SegmentCache(100, SINKS);
    const counting = segments(1_000);
    for (let i = 0; i < 2; i += 1) (await held(cache.get("1:0", counting.load))).release();
    expect(counting.loads).toBe(2);
  });

  test.each<ReadResult>([{ kind: "atEnd" }, { kind: "changed" }, { kind: "unreadable" }])(
    "$kind is true for a moment only and not kept, though those who ask at the same time share it",
    async (result) => {
      const cache = new SegmentCache(1_000, SINKS);
      const counting = loader(() => result);
      expect(await Promise.all([cache.get("1:0", counting.load), cache.get("1:0", counting.load)])).toEqual([
        result,
        result,
      ]);
      await cache.get("1:0", counting.load);
      expect(counting.loads).toBe(2);
    },
  );

  test("a read that fails is told to all who wait, and tried again by the next", async () => {
    const cache = new SegmentCache(1_000, SINKS);
    const both = await Promise.allSettled([cache.get("1:0", failing), cache.get("1:0", failing)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    (await held(cache.get("1:0", segments(10).load))).release();
  });

  test("a sink that joins a read under way after another was served still holds its own share", async () => {
    const cache = new SegmentCache(0, SINKS);
    const { promise, resolve } = Promise.withResolvers<ReadResult>();
    const first = cache.get("1:0", () => promise);
    const second = cache.get("1:0", () => promise);
    resolve({ kind: "segment", segment: segment(100) });
    const one = await held(first);
    one.release();
    const two = await held(second);
    expect(two.advance({ offset: 0, crc: 0, tail: 0 }, 100).offset).toBe(100);
    two.release();
    expect(() => two.release()).toThrow(/nobody held/);
  });
});
