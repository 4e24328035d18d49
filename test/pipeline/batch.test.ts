import { describe, expect, test } from "vitest";
import type { LogRecord } from "../../src/core/record.ts";
import { Batch } from "../../src/pipeline/batch.ts";
import { noCounters } from "../../src/pipeline/counters.ts";
import { FileProgress, type Slice } from "../../src/pipeline/progress.ts";
import { encoder, FakeFile, FakeSink, recordOf } from "./fakes.ts";

const START = { offset: 0, crc: 0, tail: 0 };

function slice(...bodies: readonly string[]): Slice {
  const progress = FileProgress.beginning(new FakeFile(1, 1_000), START);
  const records = bodies.map((body) => recordOf(body));
  return { progress, records, from: START, to: START, range: { end: START, counters: noCounters() } };
}

const measureWith =
  (sink: FakeSink) =>
  (record: LogRecord): number =>
    encoder.measure(sink, record);

const batchFor = (sink: FakeSink, maxBytes: number, openedMs: number): Batch =>
  new Batch(sink.limits, maxBytes, openedMs, measureWith(sink));

describe("a batch", () => {
  test("knows the counters of each record, split ones too", () => {
    const sink = new FakeSink(undefined, { maxRecordBytes: 20_000 });
    const batch = batchFor(sink, 1_000_000, 0);
    const slices = [slice("a", "b"), slice("x".repeat(50_000)), slice(), slice("c")];
    for (const one of slices) batch.add(one);
    const last = batch.records.length - 1;
    expect(last).toBeGreaterThan(4);
    const counters = [0, 1, 2, last - 1, last].map((index) => batch.sourceOf(index).counters);
    for (const [index, of] of [0, 0, 1, 1, 3].entries()) expect(counters[index]).toBe(slices[of]?.range.counters);
    expect(batch.sourceOf(0).generation).toBe(1);
    expect(() => batch.sourceOf(last + 1)).toThrow(/no record/);
  });

  test("is full at so many records or so many bytes of log", () => {
    const sink = new FakeSink(undefined, { maxRecords: 3 });
    const batch = batchFor(sink, 1_000, 0);
    batch.add(slice("a", "b"));
    expect([batch.isFull, batch.roomForRecords, batch.roomForBytes]).toEqual([false, 1, 996]);
    batch.add(slice("c"));
    expect(batch.isFull).toBe(true);
    const large = batchFor(new FakeSink(), 10, 0);
    large.add(slice("x".repeat(20)));
    expect(large.isFull).toBe(true);
  });

  test("has waited long enough when its first record has", () => {
    const batch = batchFor(new FakeSink(undefined, { maxAgeMs: 1_000 }), 1_000, 5_000);
    expect([batch.remainingMs(5_000), batch.remainingMs(5_900), batch.remainingMs(6_500)]).toEqual([1_000, 100, -500]);
  });

  test("takes memory for each byte and each record", () => {
    const batch = batchFor(new FakeSink(), 1_000, 0);
    const before = batch.memoryBytes;
    batch.add(slice("x".repeat(500), ""));
    expect(batch.memoryBytes - before).toBeGreaterThan(500);
  });
});
