import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accountOf } from "../../src/pipeline/ledger.ts";
import { addCounters, noCounters, settledBytes } from "../../src/pipeline/counters.ts";
import { FileProgress, type Slice } from "../../src/pipeline/progress.ts";
import { FakeFile, segmentOf } from "./fakes.ts";

const START = { offset: 0, crc: 0, tail: 0 };

/** Lines of a file, blank ones among them. */
const text = fc
  .array(fc.stringMatching(/^[a-zé]{0,6}$/), { minLength: 1, maxLength: 30 })
  .map((lines) => `${lines.join("\n")}\n`);

type Step = { readonly take: number } | { readonly finish: number } | { readonly deadLetter: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ take: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ finish: fc.nat(100) }),
  fc.record({ deadLetter: fc.nat(100) }),
);

describe("the account", () => {
  test("balances at every step, whatever is taken, finished or dead-lettered in whatever order", () => {
    fc.assert(
      fc.property(text, fc.array(step, { maxLength: 60 }), (content, steps) => {
        const size = Buffer.byteLength(content);
        const file = new FakeFile(1, size);
        const progress = FileProgress.beginning(file, START);
        progress.enter(segmentOf(content));
        const underWay: Slice[] = [];
        for (const one of steps) {
          apply(one, progress, underWay);
          const account = accountOf([progress], undefined);
          expect(progress.imbalance).toBe(0);
          expect(account.imbalanceBytes).toBe(0);
          expect(account.totalBytes).toBe(size);
          expect(settledBytes(account) + account.pendingBytes).toBe(size);
          for (const value of Object.values(account)) expect(value).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("of a finished file has every byte in one part, and every record once", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 50 }), (content, records, bytes) => {
        const file = new FakeFile(1, Buffer.byteLength(content));
        const progress = FileProgress.beginning(file, START);
        progress.enter(segmentOf(content));
        const bodies: string[] = [];
        for (let slice = progress.take(records, bytes); slice !== undefined; slice = progress.take(records, bytes)) {
          expect(slice.records.length).toBeLessThanOrEqual(records);
          bodies.push(...slice.records.map(({ body }) => body));
          progress.finish(slice);
        }
        const lines = content.split("\n").filter((line) => line !== "");
        expect(bodies).toEqual(lines);
        expect(progress.isComplete).toBe(true);
        expect(progress.counters.deliveredRecords).toBe(lines.length);
        expect(progress.counters.deliveredBytes + progress.counters.filteredBytes).toBe(file.size);
      }),
      { numRuns: 200 },
    );
  });

  test("has what stands before a first cursor as skipped", () => {
    const progress = FileProgress.beginning(new FakeFile(1, 100), { offset: 40, crc: 1, tail: 1 });
    expect(accountOf([progress], undefined)).toMatchObject({
      files: 1,
      totalBytes: 100,
      skippedBytes: 40,
      pendingBytes: 60,
      imbalanceBytes: 0,
    });
  });

  test("goes on after a restart where the durable counters ended", () => {
    const file = new FakeFile(1, 8);
    const first = FileProgress.beginning(file, START);
    first.enter(segmentOf("one\ntwo\n"));
    const slice = first.take(1, 1_000);
    if (slice !== undefined) first.finish(slice);
    const second = new FileProgress(file, first.checkpoint("a"));
    expect(accountOf([second], undefined)).toEqual(accountOf([first], undefined));
    expect(second.position).toEqual(first.cursor);
  });

  test("keeps what forgotten files held", () => {
    const forgotten = noCounters();
    addCounters(forgotten, { ...noCounters(), deliveredBytes: 50, lostBytes: 7, deliveredRecords: 3 });
    const progress = FileProgress.beginning(new FakeFile(1, 10), START);
    expect(accountOf([progress], forgotten)).toMatchObject({
      totalBytes: 67,
      deliveredBytes: 50,
      lostBytes: 7,
      pendingBytes: 10,
      imbalanceBytes: 0,
    });
  });

  test("a partial line that was sent is delivered, though the cursor stands before it", () => {
    const file = new FakeFile(1, 7);
    const progress = FileProgress.beginning(file, START);
    progress.enter(segmentOf("one\n"));
    const whole = progress.take(10, 1_000);
    if (whole !== undefined) progress.finish(whole);
    const partial = progress.takePartial(segmentOf("two\n", 4));
    expect(partial?.records).toHaveLength(1);
    if (partial !== undefined) progress.finish(partial);
    file.size = 8;
    const account = accountOf([progress], undefined);
    expect(account).toMatchObject({ totalBytes: 8, deliveredBytes: 8, pendingBytes: 0, imbalanceBytes: 0 });
    expect(progress.checkpoint("a")).toMatchObject({ position: { offset: 4 }, partial: { length: 4 } });
    // Unchanged, it is not sent again.
    expect(progress.takePartial(segmentOf("two\n", 4))).toBeUndefined();
    expect(progress.takePartial(segmentOf("tw!\n", 4))).toBeDefined();
  });

  test("a partial line that was completed is sent whole and counted as sent again", () => {
    const file = new FakeFile(1, 8);
    const progress = new FileProgress(file, {
      first: 0,
      position: START,
      counters: noCounters(),
      partial: { length: 3, crc: 1 },
    });
    progress.enter(segmentOf("one\ntwo\n"));
    const slice = progress.take(10, 1_000);
    if (slice !== undefined) progress.finish(slice);
    expect(progress.counters).toMatchObject({ deliveredBytes: 8, deliveredRecords: 2, resentRecords: 1 });
    expect(progress.partial).toBeUndefined();
  });
});

function apply(one: Step, progress: FileProgress, underWay: Slice[]): void {
  if ("take" in one) {
    const slice = progress.take(one.take, 1_000);
    if (slice !== undefined) underWay.push(slice);
  } else if ("finish" in one) {
    const [slice] = underWay.length === 0 ? [] : underWay.splice(one.finish % underWay.length, 1);
    if (slice !== undefined) progress.finish(slice);
  } else {
    const slice = underWay[one.deadLetter % Math.max(underWay.length, 1)];
    const record = slice?.records[0];
    // Once for each slice at most: what a delivery does with a refused record.
    if (slice === undefined || record === undefined || slice.range.counters.deadLetteredRecords > 0) return;
    slice.range.counters.deliveredBytes -= record.length;
    slice.range.counters.deliveredRecords -= 1;
    slice.range.counters.deadLetteredBytes += record.length;
    slice.range.counters.deadLetteredRecords += 1;
  }
}
