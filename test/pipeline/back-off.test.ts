import { describe, expect, test } from "vitest";
import { backOffMs, blockedMs } from "../../src/pipeline/back-off.ts";

const failure = (count: number, sinceMs = 0) => ({ kind: "retry" as const, reason: "503", sinceMs, count });

const MINUTE = 60_000;

describe("the back-off", () => {
  test.each<[string, number, number, number]>([
    // What, failures, outage so far in ms, the longest wait in ms.
    ["the first failure", 1, 0, 500],
    ["while the outage is young", 5, 1_000, 500],
    ["a fifth of the outage", 10, 10_000, 2_000],
    ["doubling, when that is less", 2, 60 * MINUTE, 2_000],
    ["30 s at most", 20, 60 * MINUTE, 30_000],
    ["30 s at most, for ever", 1_000_000, 10_000 * MINUTE, 30_000],
  ])("%s", (_, count, outageMs, longest) => {
    expect(backOffMs(failure(count), outageMs, 0)).toBe(0);
    expect(backOffMs(failure(count), outageMs, 0.5)).toBeCloseTo(longest / 2);
    expect(backOffMs(failure(count), outageMs, 0.999_999)).toBeCloseTo(longest, -2);
  });

  test("after an outage of 30 s the next attempt comes within 6 s", () => {
    expect(backOffMs(failure(30), 30_000, 0.999_999)).toBeLessThanOrEqual(6_000);
  });

  test.each<[number, number]>([
    [1, 1],
    [7_000, 7_000],
    [5 * MINUTE, 5 * MINUTE],
    [60 * MINUTE, 5 * MINUTE],
    [Number.POSITIVE_INFINITY, 5 * MINUTE],
  ])("a Retry-After of %d ms wins over it, as %d ms", (afterMs, expected) => {
    expect(backOffMs(failure(1), 0, 0.5, afterMs)).toBe(expected);
  });

  test.each([0, -5_000])("a Retry-After of %d ms is no wish for a hot loop", (afterMs) => {
    expect(backOffMs(failure(3), 0, 0.5, afterMs)).toBeGreaterThan(0);
  });
});

test.each([
  [1, 1_000, 2_000],
  [2, 2_000, 4_000],
  [4, 8_000, 16_000],
  [5, 15_000, 30_000],
  [1_000_000, 15_000, 30_000],
])("a sink that is blocked for the %dth time waits %d to %d ms", (count, shortest, longest) => {
  expect(blockedMs(count, 0)).toBe(shortest);
  expect(blockedMs(count, 0.999_999)).toBeCloseTo(longest, -2);
});
