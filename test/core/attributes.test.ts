import { expect, test } from "vitest";
import { attributesOf } from "../../src/core/attributes.ts";
import { parseObjectExactly } from "../../src/core/json-object.ts";
import { LogRecord, type ParsedFields } from "../../src/core/record.ts";

const record = (body: string, fields: ParsedFields): LogRecord =>
  new LogRecord(body, 0, body.length, { source: "app", path: "/app.log" }, () => fields);

test("the attributes of a JSON line are its members", () => {
  expect(attributesOf(record('{"a":1,"b":{"c":null}}', { isObject: true }))).toEqual({ a: 1, b: { c: null } });
});

test("those of another line are what its format found", () => {
  expect(attributesOf(record("a=1", { attributes: { a: "1" } }))).toEqual({ a: "1" });
  expect(attributesOf(record("text", {}))).toEqual({});
});

test.each([
  ["an integer that a double can't hold", '{"id":9223372036854775806}', { id: "9223372036854775806" }],
  ["a negative one", '{"id":-9007199254740993}', { id: "-9007199254740993" }],
  ["the largest that it can hold", '{"id":9007199254740991}', { id: 9_007_199_254_740_991 }],
  ["nested ones", '{"a":[{"b":12345678901234567890}]}', { a: [{ b: "12345678901234567890" }] }],
  ["a number beyond its range", '{"n":1e999,"m":-1E+400}', { n: "1e999", m: "-1E+400" }],
  ["a fraction", '{"t":1626175065.5934923}', { t: 1_626_175_065.593_492_3 }],
  ["digits in a text", '{"t":"12345678901234567890"}', { t: "12345678901234567890" }],
  ["duplicate keys, of which the last counts", '{"a":12345678901234567890,"a":2}', { a: 2 }],
])("numbers keep their digits: %s", (_, text, expected) => {
  expect(parseObjectExactly(text)).toEqual(expected);
});

test("a key __proto__ is a key", () => {
  const object = parseObjectExactly('{"__proto__":{"n":12345678901234567890}}');
  expect(Object.keys(object ?? {})).toEqual(["__proto__"]);
});

test("deep nesting does not throw", () => {
  const deep = `{"n":12345678901234567890,"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
  expect(() => parseObjectExactly(deep)).not.toThrow();
});

test.each(["", "text", "[]", "{}", '{"a":1', "12345678901234567890"])("%j is no object", (text) => {
  expect(parseObjectExactly(text)).toBeUndefined();
});
