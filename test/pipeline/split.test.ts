import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LogRecord } from "../../src/core/record.ts";
import type { BatchLimits } from "../../src/core/sink.ts";
import { fitRecord, mayExceed } from "../../src/pipeline/split.ts";
import { encoder, FakeSink, recordOf } from "./fakes.ts";

const limits = (maxRecordBytes: number): BatchLimits => new FakeSink(undefined, { maxRecordBytes }).limits;

const sizeOf = (record: LogRecord): number => encoder.measure(new FakeSink(), record);

test("a record within the limit stays as it is", () => {
  const record = recordOf("x".repeat(50_000));
  expect(fitRecord(record, limits(60_000), sizeOf)).toEqual([record]);
});

test("a record that is only over the limit once it is escaped is split", () => {
  const record = recordOf("\u0001".repeat(50_000));
  expect(mayExceed(record, limits(200_000))).toBe(true);
  const parts = fitRecord(record, limits(200_000), sizeOf);
  expect(parts).toHaveLength(2);
  for (const part of parts) expect(sizeOf(part)).toBeLessThanOrEqual(200_000);
});

describe("the parts of a record", () => {
  const text = fc.string({ unit: "binary", minLength: 1, maxLength: 400 });

  test("join to the whole, each within the limit, with marks in order and whole characters", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 20, max: 200 }), (body, limit) => {
        const parts = fitRecord(recordOf(body), limits(limit), sizeOf);
        expect(parts.map((part) => part.body).join("")).toBe(body);
        if (parts.length === 1) return;
        for (const part of parts) {
          expect(sizeOf(part)).toBeLessThanOrEqual(limit);
          expect(part.body).not.toBe("");
        }
        expect(parts.map(({ split }) => split)).toEqual(["first", ...parts.slice(2).map(() => "middle"), "last"]);
        for (const [index, part] of parts.entries()) {
          const originalBytes = Buffer.byteLength(body);
          expect(part.fields.part).toEqual({ part: index + 1, parts: parts.length, originalBytes });
          const next = parts[index + 1]?.body ?? "";
          const cutsPair = /[\uD800-\uDBFF]$/.test(part.body) && /^[\uDC00-\uDFFF]/.test(next);
          expect(cutsPair).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("own the bytes of the whole once", () => {
    const record = recordOf("x".repeat(1_000), 77);
    const parts = fitRecord(record, limits(300), sizeOf);
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBe(record.length);
    expect(new Set(parts.map(({ offset }) => offset))).toEqual(new Set([77]));
  });

  test("share the time and severity of the whole, and are no JSON objects themselves", () => {
    const timestamp = { epochMs: 1_767_225_600_000, nanos: 5 };
    const severity = { number: 17, text: "error" };
    const body = `{"msg":"${"x".repeat(1_000)}"}`;
    const whole = new LogRecord(body, 0, body.length + 1, { source: "a", path: "/a" }, () => ({
      message: "x",
      timestamp,
      severity,
      isObject: true,
    }));
    for (const part of fitRecord(whole, limits(300), sizeOf)) {
      expect(part.fields).toMatchObject({ timestamp, severity });
      expect(part.fields.isObject).not.toBe(true);
      expect(part.message).toBe(part.body);
    }
  });

  test.each([
    ["first", ["first", "middle"]],
    ["middle", ["middle", "middle"]],
    ["last", ["middle", "last"]],
  ] as const)("of a %s piece of a long line are marked within it", (split, expected) => {
    const piece = new LogRecord("x".repeat(300), 0, 300, { source: "a", path: "/a" }, () => ({}), split);
    expect(fitRecord(piece, limits(200), sizeOf).map((part) => part.split)).toEqual(expected);
  });

  test.each(["😀", "a😀", "😀😀😀", "é", "ab"])("come to an end when not even a character fits (%s)", (body) => {
    expect(
      fitRecord(recordOf(body), limits(1), sizeOf)
        .map((part) => part.body)
        .join(""),
    ).toBe(body);
  });
});
