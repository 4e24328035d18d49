import { expect, test } from "vitest";
import { createNdjsonEncoder, encodeRaw, severityName } from "../../../src/sinks/stdout/encode.ts";
import { asText, NOW, record, resource } from "../support.ts";

const encode = asText(createNdjsonEncoder(resource));
const about =
  '"resource":{"service.name":"checkout","deployment.environment.name":"prod","service.version":"1.2.3","host.name":"pod-1"},"file":"/var/log/app.log"';

test("a record is one line with everything that is known of it", () => {
  const known = record('{"msg":"hi","n":1e2}', {
    offset: 42,
    message: "hi",
    timestamp: { epochMs: NOW, nanos: 1 },
    severity: { number: 13, text: "warning" },
  });
  expect(encode([known, record("plain")])).toBe(
    `{"timestamp":"2026-01-01T00:00:00.000000001Z","severity":"WARN","message":"hi","attributes":{"msg":"hi","n":1e2},${about},"offset":42}\n` +
      `{"timestamp":null,"severity":null,"message":"plain","attributes":{},${about},"offset":0}\n`,
  );
});

test("an object over several lines is put on one", () => {
  const lines = encode([record('{"a":\r\n "x y",\n"b":2\n}\n')]).split("\n");
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0] ?? "").attributes).toEqual({ a: "x y", b: 2 });
});

test("a part of a record over the limit says which it is, and how large the whole was", () => {
  const part = { part: 2, parts: 3, originalBytes: 2_500_000 };
  expect(JSON.parse(encode([record("m", { split: "middle", part })]))).toMatchObject({ split: "middle", ...part });
});

test("a part of a longer line says so", () => {
  expect(JSON.parse(encode([record("m", { split: "last" })]))).toMatchObject({ split: "last" });
});

test("raw gives the lines back as they were", () => {
  expect(asText(encodeRaw)([record('{"a":1}'), record("  é"), record("two\nlines")])).toBe(
    '{"a":1}\n  é\ntwo\nlines\n',
  );
});

test.each([
  [1, "TRACE"],
  [4, "TRACE"],
  [5, "DEBUG"],
  [9, "INFO"],
  [13, "WARN"],
  [17, "ERROR"],
  [21, "FATAL"],
  [24, "FATAL"],
])("severity %d is %s", (number, name) => {
  expect(severityName({ number, text: "" })).toBe(name);
});

test("what a format found in a line that is no JSON object is its attributes", () => {
  const found = record("a", { attributes: { method: "GET", nested: { text: "two\nlines" } } });
  const lines = encode([found, record("b")])
    .trimEnd()
    .split("\n");
  expect(lines.map((line) => JSON.parse(line).attributes)).toEqual([
    { method: "GET", nested: { text: "two\nlines" } },
    {},
  ]);
});

test("a line that is not of its source's format is marked", () => {
  expect(JSON.parse(encode([record("m", { unparsed: "json" })]))).toMatchObject({ message: "m", unparsed: "json" });
});
