import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue, Timestamp } from "../../src/core/record.ts";
import { parseTimestamp } from "../../src/records/timestamp.ts";

const at = (iso: string, nanos = 0): Timestamp => ({ epochMs: Date.parse(iso), nanos });

test.each<[string, Timestamp]>([
  ["2026-01-02T03:04:05Z", at("2026-01-02T03:04:05Z")],
  ["2026-01-02 03:04:05", at("2026-01-02T03:04:05Z")],
  ["2026-01-02T03:04:05.1Z", at("2026-01-02T03:04:05.100Z")],
  ["2026-01-02T03:04:05.123456Z", at("2026-01-02T03:04:05.123Z", 456_000)],
  ["2026-01-02T03:04:05.123456789Z", at("2026-01-02T03:04:05.123Z", 456_789)],
  ["2026-01-02T03:04:05.1234567891234Z", at("2026-01-02T03:04:05.123Z", 456_789)],
  ["2026-01-02 03:04:05,678", at("2026-01-02T03:04:05.678Z")],
  ["2026-01-02T03:04:05+02:00", at("2026-01-02T01:04:05Z")],
  ["2026-01-02T03:04:05-0530", at("2026-01-02T08:34:05Z")],
  ["2026-01-02T03:04:05+02", at("2026-01-02T01:04:05Z")],
  ["2026-01-02 03:04:05 +0200", at("2026-01-02T01:04:05Z")],
  ["2026-01-02 03:04:05 Z", at("2026-01-02T03:04:05Z")],
  ["2024-02-29T00:00:00Z", at("2024-02-29T00:00:00Z")],
  ["2016-12-31T23:59:60Z", at("2017-01-01T00:00:00Z")],
  ["2000-01-01T00:00:00Z", at("2000-01-01T00:00:00Z")],
  ["2099-12-31T23:59:59.999999999Z", at("2099-12-31T23:59:59.999Z", 999_999)],
])("the text %s is a time", (text, expected) => {
  expect(parseTimestamp(text)).toEqual(expected);
});

test.each([
  "2026-02-30T00:00:00Z",
  "2026-13-05T00:00:00Z",
  "2026-00-05T00:00:00Z",
  "2026-01-00T00:00:00Z",
  "2025-02-29T00:00:00Z",
  "2026-01-02T24:30:00Z",
  "2026-01-02T25:00:00Z",
  "2026-01-02T03:60:00Z",
  "2026-01-02T03:04:61Z",
  "2026-01-02T03:04:05.Z",
  "2026-01-02T03:04:05+2",
  "2026-01-02T03:04:05Zjunk",
  "2026-01-02T3:04:05Z",
  "2026-01-02x03:04:05Z",
  "2026-01-02",
  "1999-12-31T23:59:59Z",
  "2100-01-01T00:00:00Z",
  "0026-01-02T03:04:05Z",
  "",
  "now",
  "-",
  "    -",
  `2026-01-02T03:04:05.${"1".repeat(100)}Z`,
])("the text %j is no time", (text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});

test.each<[JsonValue, Timestamp | undefined]>([
  [1_767_225_600, { epochMs: 1_767_225_600_000, nanos: 0 }],
  [1_767_225_600.5, { epochMs: 1_767_225_600_500, nanos: 0 }],
  [1_767_225_600.123_456, { epochMs: 1_767_225_600_123, nanos: 456_000 }],
  [1_767_225_600_123, { epochMs: 1_767_225_600_123, nanos: 0 }],
  [1_767_225_600_123.5, { epochMs: 1_767_225_600_123, nanos: 500_000 }],
  [1_767_225_600_123_456, { epochMs: 1_767_225_600_123, nanos: 456_000 }],
  // The nearest double to ...123,000,000.
  [1_767_225_600_123_000_064, { epochMs: 1_767_225_600_123, nanos: 64 }],
  ["1767225600", { epochMs: 1_767_225_600_000, nanos: 0 }],
  ["1767225600123", { epochMs: 1_767_225_600_123, nanos: 0 }],
  ["1767225600.25", { epochMs: 1_767_225_600_250, nanos: 0 }],
  [0, undefined],
  [-1_767_225_600, undefined],
  [12_345, undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [1e300, undefined],
  [5_000_000_000, undefined],
  ["123456789", undefined],
  ["0x6955b900aa", undefined],
  [true, undefined],
  [null, undefined],
  [["2026-01-02T03:04:05Z"], undefined],
  [{ seconds: 1_767_225_600 }, undefined],
])("the value %j is %j", (value, expected) => {
  expect(parseTimestamp(value)).toEqual(expected);
});

test("an absent value is no time", () => {
  expect(parseTimestamp(undefined)).toBeUndefined();
});

describe("any value", () => {
  test("never throws, and gives a whole millisecond with nanoseconds within it", () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)?$/),
    );
    fc.assert(
      fc.property(fc.oneof(text, fc.double(), fc.integer(), fc.double({ min: 0, max: 5e18 })), (value) => {
        const time = parseTimestamp(value);
        if (time === undefined) return;
        expect(Number.isInteger(time.epochMs)).toBe(true);
        expect(Number.isInteger(time.nanos)).toBe(true);
        expect(time.nanos).toBeGreaterThanOrEqual(0);
        expect(time.nanos).toBeLessThan(1_000_000);
      }),
      { numRuns: 500 },
    );
  });

  test("a date that toISOString wrote is read back, whatever was read before", () => {
    const dates = fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        expect(parseTimestamp(date.toISOString())).toEqual({ epochMs: date.getTime(), nanos: 0 });
      }),
      { numRuns: 300 },
    );
  });
});
