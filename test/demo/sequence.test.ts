import { describe, expect, test } from "vitest";
import { SequenceSet, sequenceOf, Tally } from "../../src/demo/sequence.ts";

describe("sequenceOf", () => {
  test.each<[record: unknown, expected: number | undefined]>([
    ['{"level":30,"seq":12,"msg":"x"}', 12],
    ["GET /cart?seq=7 HTTP/1.1", 7],
    ["    at charge (payments.js?seq=0:88:17)", 0],
    [{ seq: 3 }, 3],
    [{ seq: -1 }, undefined],
    [{ seq: "3" }, undefined],
    ["subseq=4", undefined],
    ["nothing", undefined],
    ["", undefined],
    [null, undefined],
    [undefined, undefined],
  ])("%j is numbered %j", (record, expected) => expect(sequenceOf(record)).toBe(expected));
});

describe("SequenceSet", () => {
  test("counts distinct numbers, duplicates and gaps in any order", () => {
    const set = new SequenceSet();
    for (const sequence of [5, 3, 5, 9, 3, 3]) set.add(sequence);
    expect([set.count, set.duplicates, set.gaps, set.highest]).toEqual([3, 3, 4, 9]);
  });

  test("knows how far it is without a gap", () => {
    const set = new SequenceSet();
    for (const sequence of [0, 1, 3]) set.add(sequence);
    expect(set.prefix).toBe(2);
    set.add(2);
    expect(set.prefix).toBe(4);
  });

  test("remembers what a complete chunk held", () => {
    const set = new SequenceSet();
    for (let sequence = 199_999; sequence >= 0; sequence -= 1) set.add(sequence);
    set.add(17);
    expect([set.count, set.duplicates, set.gaps, set.prefix, set.has(200_000)]).toEqual([
      200_000,
      1,
      0,
      200_000,
      false,
    ]);
  });

  test("keeps only so many numbers that are far apart", () => {
    const set = new SequenceSet();
    const kept = Array.from({ length: 2_000 }, (_, index) => set.add(index * 1e6)).filter(Boolean);
    expect([kept.length, set.count]).toEqual([1_024, 1_024]);
  });
});

test("a tally counts what carries no number", () => {
  const tally = new Tally();
  for (const record of [{ seq: 1 }, "seq=1", "none", {}]) tally.add(record);
  expect([tally.sequences.count, tally.sequences.duplicates, tally.unnumbered]).toEqual([1, 1, 2]);
});
