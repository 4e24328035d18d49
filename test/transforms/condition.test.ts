import { describe, expect, test } from "vitest";
import type { Parse } from "../../src/core/record.ts";
import { condition } from "../../src/transforms/condition.ts";
import { recordsOf, transformer } from "./support.ts";

const LINE = JSON.stringify({
  time: "2026-11-24T10:00:00.123456789Z",
  level: "warn",
  msg: "slow query",
  status: 503,
  ok: false,
  nothing: null,
  user: { id: "u-7", "e.mail": "x", tags: ["a", "b"] },
  "http.method": "GET",
  escaped: 'a"b',
  'quo"ted': 1,
}).replace("}", ',"big":12345678901234567890}');

/** Big numbers, duplicates and dotted names can't be written by `JSON.stringify`. */
const RAW = '{"n":12345678901234567890,"d":1,"d":2,"a":{"b":1},"a.b":2,"e":1e3}';

type Case = readonly [condition: unknown, isMet: boolean];

const cases: readonly Case[] = [
  [{ field: "message", equals: "slow query" }, true],
  [{ field: "message", matches: "^slow" }, true],
  [{ field: "message", matches: "^query" }, false],
  [{ field: "body", matches: String.raw`"status":5\d\d` }, true],
  [{ field: "severity", equals: "warn" }, true],
  [{ field: "severity", equals: "WARNING" }, true],
  [{ field: "severity", equals: 13 }, true],
  [{ field: "severity", equals: 14 }, false],
  [{ field: "severity", above: "info" }, true],
  [{ field: "severity", above: "warn" }, false],
  [{ field: "severity", below: "error" }, true],
  [{ field: "severity", in: ["error", "warn"] }, true],
  [{ field: "severity", matches: "^warn$" }, true],
  [{ field: "timestamp", above: "2026-11-24T10:00:00.123456788Z" }, true],
  [{ field: "timestamp", above: "2026-11-24T10:00:00.123456789Z" }, false],
  [{ field: "timestamp", below: "2026-11-24T12:00:01+02:00" }, true],
  [{ field: "timestamp", equals: "2026-11-24 10:00:00.123456789Z" }, true],
  [{ field: "source", equals: "app" }, true],
  [{ field: "file", matches: String.raw`app\.log$` }, true],
  [{ field: "resource.service", equals: "checkout" }, true],
  [{ field: "resource.team", equals: "pay" }, true],
  [{ field: "resource.nobody", exists: true }, false],
  [{ field: "attributes.status", equals: 503 }, true],
  [{ field: "attributes.status", equals: "503" }, true],
  [{ field: "attributes.status", above: 499, below: 600 }, true],
  [{ field: "attributes.status", above: 503 }, false],
  [{ field: "attributes.ok", equals: false }, true],
  [{ field: "attributes.nothing", equals: null }, true],
  [{ field: "attributes.nothing", equals: "null" }, false],
  [{ field: "attributes.nothing", exists: true }, true],
  [{ field: "attributes.absent", exists: true }, false],
  [{ field: "attributes.absent", exists: false }, true],
  [{ field: "attributes.absent", equals: null }, false],
  [{ field: "attributes.user.id", equals: "u-7" }, true],
  [{ field: "attributes.user.e.mail", equals: "x" }, true],
  [{ field: "attributes.user.tags", matches: '"b"' }, true],
  [{ field: "attributes.user", exists: true }, true],
  [{ field: "attributes.user.id.deeper", exists: true }, false],
  [{ field: "attributes.http.method", in: ["GET", "HEAD"] }, true],
  [{ field: "attributes.escaped", equals: 'a"b' }, true],
  [{ field: 'attributes.quo"ted', equals: 1 }, true],
  [{ field: "attributes.__proto__", exists: true }, false],
  [{ field: "attributes.constructor", exists: true }, false],
  [
    {
      all: [
        { field: "source", equals: "app" },
        { field: "severity", equals: "warn" },
      ],
    },
    true,
  ],
  [
    {
      all: [
        { field: "source", equals: "app" },
        { field: "severity", equals: "info" },
      ],
    },
    false,
  ],
  [
    {
      any: [
        { field: "source", equals: "other" },
        { field: "severity", equals: "warn" },
      ],
    },
    true,
  ],
  [{ not: { any: [{ field: "source", equals: "other" }] } }, true],
];

const raw: readonly Case[] = [
  [{ field: "attributes.n", equals: "12345678901234567890" }, true],
  [{ field: "attributes.n", equals: "12345678901234567891" }, false],
  [{ field: "attributes.n", matches: "890$" }, true],
  [{ field: "attributes.d", equals: 2 }, true],
  [{ field: "attributes.a.b", equals: 2 }, true],
  [{ field: "attributes.e", equals: 1000 }, true],
];

/** What a format of plain text found. */
const found: Parse = () => ({ attributes: { status: "404", path: "/x", n: 5, list: [1], deep: { "a.b": true } } });

const text: readonly Case[] = [
  [{ field: "message", equals: "404 /x" }, true],
  [{ field: "attributes.status", equals: 404 }, true],
  [{ field: "attributes.status", above: 399 }, true],
  [{ field: "attributes.path", above: 0 }, false],
  [{ field: "attributes.n", in: [4, 5] }, true],
  [{ field: "attributes.list", equals: "[1]" }, true],
  [{ field: "attributes.deep.a.b", equals: true }, true],
  [{ field: "severity", exists: false }, true],
  [{ field: "severity", below: "fatal" }, false],
  [{ field: "timestamp", below: "2100-01-01T00:00:00Z" }, false],
];

function isMet(where: unknown, line: string, parse?: Parse): boolean {
  const keep = transformer(JSON.stringify([{ keep: { where } }]));
  const drop = transformer(JSON.stringify([{ drop: { where } }]));
  const records = recordsOf([line], parse);
  const kept = keep.transform(records, 1, 0, 1).length;
  expect(drop.transform(records, 1, 0, 1).length).toBe(1 - kept);
  return kept === 1;
}

const named = (list: readonly Case[]) => list.map(([where, met]) => [JSON.stringify(where), met, where] as const);

describe("a condition", () => {
  test.each(named(cases))("%s is %s for a JSON line", (_, met, where) => expect(isMet(where, LINE)).toBe(met));
  test.each(named(raw))("%s is %s, digit by digit", (_, met, where) => expect(isMet(where, RAW)).toBe(met));
  test.each(named(text))("%s is %s for a line of text", (_, met, where) =>
    expect(isMet(where, "404 /x", found)).toBe(met),
  );
});

describe("what no condition is", () => {
  test.each<readonly [written: unknown, at: string, message: RegExp]>([
    [{ field: "mesage", equals: 1 }, "field", /^expected a field: message, body/],
    [{ field: "attributes.", equals: 1 }, "field", /^expected a field/],
    [{ field: "message" }, "", /^says nothing about its field/],
    [{ equals: 1 }, "equals", /^needs a field/],
    [{}, "", /^expected a field with/],
    [{ all: [], any: [] }, "all", /./],
    [{ field: "message", equals: "x", not: { field: "body", exists: true } }, "not", /^cannot stand beside a field/],
    [{ field: "severity", equals: "wrn" }, "equals", /^expected trace, debug/],
    [{ field: "severity", in: ["warn", 25] }, "in.1", /^expected trace, debug/],
    [{ field: "timestamp", below: "yesterday" }, "below", /^expected a time with its zone/],
    [{ field: "timestamp", below: "2026-11-24T09:30:00" }, "below", /^expected a time with its zone/],
    [{ field: "attributes.n", above: "5" }, "above", /^expected a number/],
    [{ field: "message", matches: "a(?=b)" }, "matches", /^expected a pattern in RE2 syntax/],
    [{ not: { any: [{ field: "x", exists: true }] } }, "not.any.0.field", /^expected a field/],
  ])("%j", (written, at, message) => {
    const issue = condition.safeParse(written).error?.issues[0];
    expect([issue?.path.join("."), issue?.message]).toEqual([at, expect.stringMatching(message)]);
  });
});
