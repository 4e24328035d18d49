import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Parse } from "../../src/core/record.ts";
import { memberPath, removeMembers, setMember } from "../../src/transforms/json-text.ts";
import { anyText, recordsOf, transformed, transformer } from "./support.ts";

const set = (fields: object): string => JSON.stringify([{ set: { fields } }]);
const remove = (...fields: string[]): string => JSON.stringify([{ remove: { fields } }]);
const rename = (from: string, to: string): string => JSON.stringify([{ rename: { fields: { [from]: to } } }]);

describe("on a JSON line", () => {
  test.each<readonly [transform: string, line: string, expected: string]>([
    [set({ "attributes.team": "pay" }), '{"a":1}', '{"a":1,"team":"pay"}'],
    [set({ "attributes.a": true }), '{ "a" : 1.0 , "b":1e5}', '{ "a" : true , "b":1e5}'],
    [set({ "attributes.a": null }), '{"a":{"b":[1,{"c":"}"}]},"z":0}', '{"a":null,"z":0}'],
    [set({ "attributes.a": 2 }), '{"a":1,"b":0,"a":1}', '{"a":2,"b":0,"a":2}'],
    [set({ "attributes.a.b": 2 }), '{"a":{}}', '{"a":{"b":2}}'],
    [set({ "attributes.a.b": 2 }), '{"a":{"c":1} }', '{"a":{"c":1,"b":2} }'],
    [set({ "attributes.a.b": 2 }), '{"a.b":1}', '{"a.b":2}'],
    [set({ "attributes.a.b.c": 2 }), '{"x":0}', '{"x":0,"a":{"b":{"c":2}}}'],
    [set({ "attributes.a.b": 2 }), '{"a":"text"}', '{"a":"text","a.b":2}'],
    [set({ 'attributes.q"': "x" }), '{"a":1}', String.raw`{"a":1,"q\"":"x"}`],
    [set({ message: "new" }), '{"msg":"old"}', '{"msg":"old","message":"new"}'],
    [set({ message: "new" }), '{"message":"old"}', '{"message":"new"}'],
    [remove("attributes.b"), '{"a":1,"b":2,"c":3}', '{"a":1,"c":3}'],
    [remove("attributes.a"), '{"a":1, "b":2}', '{"b":2}'],
    [remove("attributes.c"), '{"a":1,"c": "x,}" }', '{"a":1 }'],
    [remove("attributes.a"), '{"a":1,"a":2,"b":3,"a":4}', '{"b":3}'],
    [remove("attributes.a"), '{"a":1}', "{}"],
    [remove("attributes.a.b"), '{"a":{"b":1,"c":2},"a.b":3,"a":{"b":4}}', '{"a":{"c":2},"a":{}}'],
    [
      remove("attributes.a", "attributes.b"),
      '{"a":1,"b":2,"big":12345678901234567890}',
      '{"big":12345678901234567890}',
    ],
    [remove("attributes.a"), String.raw`{"\u0061":1,"b":"\u0041"}`, String.raw`{"b":"\u0041"}`],
    [rename("attributes.a", "attributes.b"), '{"a":12345678901234567890,"c":1}', '{"c":1,"b":12345678901234567890}'],
    [rename("attributes.a", "attributes.u.id"), '{"a":"x","u":{"n":1}}', '{"u":{"n":1,"id":"x"}}'],
    [rename("attributes.u.id", "attributes.id"), '{"u":{"id":[1, 2]}}', '{"u":{},"id":[1, 2]}'],
    [rename("attributes.a", "attributes.b"), '{"a":1,"b":2}', '{"b":1}'],
    [rename("attributes.x", "attributes.b"), '{"a":1}', '{"a":1}'],
  ])("%s makes of %s %s", (transform, line, expected) => {
    expect(transformed(transform, [line])).toEqual([expected]);
  });

  test("time and severity stay when the attributes they came from go, and follow those that are set", () => {
    const line = '{"time":"2026-11-24T10:00:00Z","level":"warn","msg":"m","a":1}';
    const [bare] = transformer(remove("attributes.time", "attributes.level")).transform(recordsOf([line]), 1, 0, 1);
    expect(bare?.fields).toMatchObject({
      timestamp: { epochMs: Date.UTC(2026, 10, 24, 10) },
      severity: { number: 13 },
    });
    const [louder] = transformer(set({ "attributes.level": "fatal" })).transform(recordsOf([line]), 1, 0, 1);
    expect(louder?.fields.severity?.number).toBe(21);
    const [named] = transformer(set({ severity: "error" })).transform(recordsOf([line]), 1, 0, 1);
    expect([named?.fields.severity, named?.body]).toEqual([{ number: 17, text: "error" }, line]);
  });

  test("a message that was removed is not to be read anywhere", () => {
    const [record] = transformer(remove("attributes.msg")).transform(recordsOf(['{"msg":"secret","a":1}']), 1, 0, 1);
    expect([record?.message, record?.body]).toEqual(['{"a":1}', '{"a":1}']);
  });

  test("a record keeps its place in the file, and `where` leaves the others as they are", () => {
    const yaml = JSON.stringify([
      { set: { fields: { "attributes.x": 1 }, where: { field: "attributes.a", equals: 1 } } },
    ]);
    const records = recordsOf(['{"a":1}', '{"a":2}']);
    const [first, second] = transformer(yaml).transform(records, 1, 0, 1);
    expect(first).toMatchObject({ offset: 0, length: 8, body: '{"a":1,"x":1}' });
    expect(second).toBe(records[1]);
  });

  test("edits read as an edit of the parsed object, whatever the object", () => {
    const key = fc.constantFrom("a", "b", "", "é😀", 'q"\\', "__proto__", "x y");
    const object = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        anyText,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constant(null),
        fc.boolean(),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    })).object;
    fc.assert(
      fc.property(object, key, key, fc.nat(2), (value, first, second, indent) => {
        const json = JSON.stringify(value, undefined, indent);
        const path = memberPath(`${first}.${second}`);
        const parsed: Record<string, unknown> = JSON.parse(json);
        const inner: unknown = Object.hasOwn(parsed, first) ? parsed[first] : undefined;
        const isInner = typeof inner === "object" && inner !== null && !Array.isArray(inner);
        const without = { ...parsed };
        if (isInner) {
          const rest = Object.entries(inner).filter(([name]) => name !== second);
          Object.defineProperty(without, first, { value: Object.fromEntries(rest) });
        }
        expect(JSON.parse(removeMembers(json, path))).toEqual(isInner ? { ...parsed, ...without } : parsed);
        const added: unknown = JSON.parse(setMember(json, path, '"new"'));
        const again: unknown = JSON.parse(setMember(setMember(json, path, "1"), path, '"new"'));
        expect(again).toEqual(added);
        expect(JSON.stringify(added)).toContain('"new"');
      }),
      { numRuns: 100, endOnFailure: true },
    );
  });

  test("takes one pass, however many members have the name and however deep the line is", () => {
    const many = `{${'"a":1,'.repeat(100_000)}"b":2}`;
    expect(transformed(remove("attributes.a"), [many])[0] === '{"b":2}').toBe(true);
    const deep = `{"d":${"[".repeat(5_000)}${"]".repeat(5_000)},"a":1}`;
    expect(transformed(remove("attributes.a"), [deep])[0] === deep.replace(',"a":1', "")).toBe(true);
  });
});

const found: Parse = () => ({ message: "hello", attributes: { user: "u", n: { a: 1 } } });

const one = (yaml: string, how: Parse | undefined = found) =>
  transformer(yaml).transform(recordsOf(["user=u hello"], how), 1, 0, 1)[0];

describe("on a line of text", () => {
  test("what the format found changes, the text stays", () => {
    expect(one(set({ "attributes.n.b": 2 }))).toMatchObject({
      body: "user=u hello",
      fields: { message: "hello", attributes: { user: "u", n: { a: 1, b: 2 } } },
    });
    expect(one(remove("attributes.user"))?.fields.attributes).toEqual({ n: { a: 1 } });
    expect(one(rename("attributes.user", "attributes.id"))?.fields.attributes).toEqual({ n: { a: 1 }, id: "u" });
  });

  test("a message of its own is set apart from the text; without one the text is the message", () => {
    expect(one(set({ message: "bye" }))).toMatchObject({ body: "user=u hello", message: "bye" });
    expect(one(set({ message: "bye" }), () => ({}))).toMatchObject({ body: "bye", message: "bye" });
  });
});
