import { describe, expect, test } from "vitest";
import { epochSeconds, isoTimestamp } from "../../src/sinks/timestamp.ts";

const at = (iso: string, nanos = 0) => ({ epochMs: Date.parse(iso), nanos });

describe("a timestamp is written with the precision it has", () => {
  test.each([
    [at("2026-01-01T00:00:00.123Z"), "2026-01-01T00:00:00.123Z", "1767225600.123"],
    [at("2026-01-01T00:00:00.005Z", 6_000), "2026-01-01T00:00:00.005006Z", "1767225600.005006"],
    [at("2026-01-01T00:00:00.999Z", 999_999), "2026-01-01T00:00:00.999999999Z", "1767225600.999999"],
    [at("2026-01-01T00:00:00.000Z", 1), "2026-01-01T00:00:00.000000001Z", "1767225600.000000"],
    [at("1970-01-01T00:00:00.000Z"), "1970-01-01T00:00:00.000Z", "0.000"],
    [at("9999-12-31T23:59:59.999Z"), "9999-12-31T23:59:59.999Z", "253402300799.999"],
  ])("%j", (timestamp, iso, seconds) => {
    expect(isoTimestamp(timestamp)).toBe(iso);
    expect(epochSeconds(timestamp)).toBe(seconds);
  });

  test.each([[-1], [253_402_300_800_000], [8.64e15 + 1], [Number.NaN], [Number.POSITIVE_INFINITY]])(
    "%d ms lies outside the years that can be written",
    (epochMs) => {
      expect(isoTimestamp({ epochMs, nanos: 0 })).toBeUndefined();
      expect(epochSeconds({ epochMs, nanos: 0 })).toBeUndefined();
    },
  );
});
