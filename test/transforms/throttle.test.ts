import { expect, test } from "vitest";
import type { LogRecord } from "../../src/core/record.ts";
import { recordsOf, transformer } from "./support.ts";

const START_MS = Date.UTC(2026, 10, 24, 10);

const line = (ms: number, key: string, n = 0): string =>
  JSON.stringify({ time: new Date(START_MS + ms).toISOString(), k: key, n });

const yaml = (options: object): string => JSON.stringify([{ throttle: { per: "1s", ...options } }]);

/** What was shipped: the number of a record, or what a summary says. */
const shipped = (records: readonly LogRecord[]): readonly unknown[] =>
  records.map(({ body, length }) => {
    const { n, tailcar } = JSON.parse(body);
    return length > 0 ? n : `${tailcar.throttled.key ?? "all"}: ${tailcar.throttled.held}`;
  });

const run = (options: object, lines: readonly string[]): readonly unknown[] =>
  shipped(transformer(yaml(options)).transform(recordsOf(lines), 1, 0, 1));

const many = (count: number, ms: number, key = "a", first = 0): string[] =>
  Array.from({ length: count }, (_, index) => line(ms, key, first + index));

test("ships the limit of each key in each window, tells of the rest as it grows, and exactly when the next window opens", () => {
  const lines = [...many(25, 0), ...many(3, 500, "b", 100), ...many(2, 1_000, "a", 200)];
  expect(run({ limit: 2, key: "attributes.k" }, lines)).toEqual([
    0,
    1,
    "a: 1",
    "a: 10",
    100,
    101,
    "b: 1",
    "a: 23",
    200,
    201,
  ]);
});

test("without a key all records of the file count together", () => {
  expect(run({ limit: 2 }, [...many(2, 0), ...many(2, 999, "b", 10), line(1_000, "c", 20)])).toEqual([
    0,
    1,
    "all: 1",
    "all: 2",
    20,
  ]);
});

test("records that are a little out of order count in their own windows", () => {
  const lines = [line(900, "a", 0), line(1_000, "a", 1), line(950, "a", 2), line(1_050, "a", 3), line(990, "a", 4)];
  expect(run({ limit: 1 }, lines)).toEqual([0, 1, "all: 1", "all: 1"]);
});

test("a record without a time counts with the one before it; those before the first time pass", () => {
  expect(run({ limit: 1 }, ['{"n":1}', '{"n":2}', line(0, "a", 3), '{"n":4}', '{"n":5}'])).toEqual([1, 2, 3, "all: 1"]);
});

test("what `where` leaves out passes and does not count, and so do the parts of a split line", () => {
  const where = { field: "attributes.k", equals: "a" };
  expect(run({ limit: 1, where }, [line(0, "b", 0), line(0, "a", 1), line(0, "b", 2), line(0, "a", 3)])).toEqual([
    0,
    1,
    2,
    "all: 1",
  ]);
});

test("a summary is a record of no bytes at the place of the one that was held back, and is understood by every sink", () => {
  const records = recordsOf(many(2, 1_500));
  const [, summary] = transformer(yaml({ limit: 1, key: "attributes.k" })).transform(records, 1, 0, 1);
  expect(summary).toMatchObject({
    offset: records[1]?.offset,
    length: 0,
    message: 'held back 1 record with attributes.k "a" beyond 1 in 1000 ms from 2026-11-24T10:00:01.000Z',
    fields: { isObject: true, severity: { number: 13 }, timestamp: { epochMs: START_MS + 1_000, nanos: 0 } },
  });
  expect(JSON.parse(summary?.body ?? "")).toMatchObject({ message: summary?.message });
});

test("what was decided at a place is remembered there: pieces of any size give the same", () => {
  const lines = [...many(30, 0), ...many(9, 400, "b", 50), ...many(5, 1_200, "a", 100)];
  const options = yaml({ limit: 3, key: "attributes.k" });
  const records = recordsOf(lines);
  const whole = shipped(transformer(options).transform(records, 1, 0, 10_000));
  for (const size of [1, 2, 7]) {
    const pieced = transformer(options);
    const result: LogRecord[] = [];
    for (let index = 0; index < records.length; index += size) {
      const from = records[index]?.offset ?? 0;
      expect(pieced.contextOf(1, from)).toBe(from);
      // Another sink reads the same piece again, and it changes nothing.
      for (const isFirst of [true, false]) {
        const to = records[index + size]?.offset ?? 10_000;
        const piece = pieced.transform(records.slice(index, index + size), 1, from, to);
        if (isFirst) result.push(...piece);
      }
    }
    expect(shipped(result)).toEqual(whole);
  }
});

test("keys and windows are bounded: what is forgotten passes again, and is never held back for it", () => {
  const keys = Array.from({ length: 3_000 }, (_, index) => line(0, `key ${index} ${"x".repeat(200)}`, index));
  const records = recordsOf([...keys, ...keys]);
  const throttle = transformer(yaml({ limit: 1, key: "attributes.k" }));
  expect(throttle.transform(records, 1, 0, 1).length).toBe(6_000);
  const windows = Array.from({ length: 10 }, (_, index) => line(index * 1_000, "a", index));
  expect(run({ limit: 1 }, [...windows, ...windows])).toHaveLength(20);
});

test("a time that is no window's passes through unharmed", () => {
  const records = recordsOf(["x", "y"], () => ({ timestamp: { epochMs: 8.64e15 + 1e6, nanos: 0 } }));
  expect(transformer(yaml({ limit: 1 })).transform(records, 1, 0, 1)).toHaveLength(2);
});
