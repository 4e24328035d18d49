import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseObject } from "../../../src/core/json-object.ts";
import type { ParsedFields } from "../../../src/core/record.ts";
import { readJson } from "../../../src/records/formats/json.ts";
import { UTC } from "../../../src/records/timestamp.ts";

const parseJson = (body: string): ParsedFields => readJson(body, UTC) ?? {};

const NOON = { epochMs: Date.parse("2026-01-01T12:00:00Z"), nanos: 0 };

test.each<[string, string, Partial<ParsedFields>]>([
  [
    "pino",
    '{"level":50,"time":1767268800000,"pid":1,"msg":"no"}',
    { message: "no", timestamp: NOON, severity: { number: 17, text: "50" } },
  ],
  [
    "winston",
    '{"level":"info","message":"hi","timestamp":"2026-01-01T12:00:00Z"}',
    { message: "hi", timestamp: NOON, severity: { number: 9, text: "info" } },
  ],
  [
    "logstash",
    '{"@timestamp":"2026-01-01T12:00:00Z","level":"WARN","message":"hi"}',
    { message: "hi", timestamp: NOON, severity: { number: 13, text: "WARN" } },
  ],
  [
    "Serilog",
    '{"@t":"2026-01-01T12:00:00Z","@m":"hi","@l":"Fatal"}',
    { message: "hi", timestamp: NOON, severity: { number: 21, text: "Fatal" } },
  ],
  ["the first of several times that can be read", '{"timestamp":"noon","time":1767268800}', { timestamp: NOON }],
  ["the last of duplicate keys, as JSON.parse takes it", '{"msg":"a","msg":"b"}', { message: "b" }],
  ["a message of its own that is no text, passed over", '{"message":{"a":1},"msg":"b"}', { message: "b" }],
  ["no message", '{"a":1}', { message: undefined }],
  ["an empty message", '{"msg":""}', { message: "" }],
  [
    "nested fields, which are not the record's own",
    '{"log":{"level":"error","message":"x"}}',
    { message: undefined, severity: undefined },
  ],
  ["a severity that is none", '{"level":"constructor"}', { severity: undefined }],
  ["a key __proto__", '{"__proto__":{"level":"error","message":"x"}}', { message: undefined, severity: undefined }],
  ["a number too large", '{"time":1e999,"level":1e999}', { timestamp: undefined, severity: undefined }],
  [
    "nanoseconds since the epoch, which no double holds",
    '{"level":"info","ts":1767268800123456789,"msg":"zap"}',
    { timestamp: { epochMs: NOON.epochMs + 123, nanos: 456_789 }, message: "zap" },
  ],
  ["an exit code under status, which is no severity", '{"msg":"a","status":0}', { severity: undefined }],
  ["Python's numbers", '{"message":"a","levelno":20}', { severity: { number: 9, text: "20" } }],
  ["GELF", '{"level":3,"short_message":"a"}', { severity: { number: 17, text: "3" } }],
  ["white space around it", ' \t{"msg":"a"} \r', { message: "a" }],
])("an object is read: %s", (_, body, expected) => {
  const fields = parseJson(body);
  expect(fields.isObject).toBe(true);
  for (const [name, value] of Object.entries(expected)) expect(fields).toHaveProperty([name], value);
});

test.each([
  ["nothing", ""],
  ["text", "plain text"],
  ["an empty object", "{}"],
  ["an empty object with white space", " { } "],
  ["an array", '[{"a":1}]'],
  ["a string", '"{}"'],
  ["a number", "1e999"],
  ["null", "null"],
  ["two objects", '{"a":1}{"b":2}'],
  ["a forged envelope", '{"a":1},"index":"_audit","x":{}'],
  ["an object cut short", '{"a":1'],
  ["a trailing comma", '{"a":1,}'],
  ["single quotes", "{'a':1}"],
  ["NaN", '{"a":NaN}'],
  ["a raw control character", '{"a":"\u0001"}'],
  ["a comment", '{"a":1}//'],
  ["a byte order mark inside", '{\uFEFF"a":1}'],
])("what is not one non-empty object is not taken for one: %s", (_, body) => {
  expect(parseJson(body)).toEqual({});
  expect(parseObject(body)).toBeUndefined();
});

describe("hostile text", { timeout: 30_000 }, () => {
  test("deep nesting neither throws nor fills the stack", () => {
    for (const depth of [1_000, 400_000]) {
      expect(() => parseJson(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`)).not.toThrow();
      expect(parseJson(`{"a":${"[".repeat(depth)}`)).toEqual({});
      expect(parseJson('{"a":'.repeat(depth))).toEqual({});
    }
  });

  test("nothing throws, and an object is exactly what JSON.parse says is a non-empty one", () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => `{"a":${json}}`),
      fc.tuple(fc.json(), fc.string({ maxLength: 3 })).map(([json, junk]) => json + junk),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (body) => {
        expect(parseJson(body).isObject === true).toBe(isNonEmptyObject(body));
      }),
      { numRuns: 1_000 },
    );
  });

  test("the prototype of all objects stays as it is", () => {
    parseJson('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    expect({}).not.toHaveProperty("polluted");
  });
});

function isNonEmptyObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  } catch {
    return false;
  }
}
