import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cpuMicroseconds } from "../../../bench/usage.ts";
import { FORMAT_NAMES, type FormatSetting } from "../../../src/core/format.ts";
import type { Parse } from "../../../src/core/record.ts";
import { autoParser, compileFormat, namedParser, recognize } from "../../../src/records/formats/registry.ts";
import { context } from "../context.ts";

const settings: readonly FormatSetting[] = [
  ...FORMAT_NAMES.filter((name) => name !== "auto" && name !== "raw"),
  { csv: { columns: ["time", "level", "message"], delimiter: ";" } },
  { regex: "^(?<time>[^ ]+ [^ ]+) (?<level>\\w+) (?<message>.*)$" },
  { regex: "(?<a>(a*)*b)" },
];

const parsers: readonly (readonly [name: string, parse: Parse])[] = [
  ...settings.map((setting) => [JSON.stringify(setting), namedParser(compileFormat(setting), context())] as const),
  ["auto", autoParser("nginx", context())] as const,
  ["what auto looks at", (body: string) => ({ message: recognize(body, context()) })] as const,
].flatMap(([name, parse]) => (parse === undefined ? [] : [[name, parse] as const]));

/** Beginnings that lead deep into each parser. */
const HEADS = [
  "",
  '{"a":',
  '{"time":"',
  "a=",
  'a="',
  "a=1 ",
  "I0102 03:04:05.678901 1 ",
  "I0102 03:04:05.678901 1 a.go:1] ",
  "1.2.3.4 - ",
  '1.2.3.4 - - [02/Jan/2026:03:04:05 +0000] "',
  '1.2.3.4 - - [02/Jan/2026:03:04:05 +0000] "" 200 1 "',
  '1.2.3.4 - - [02/Jan/2026:03:04:05 +0000] "" 200 1 "" "" 1 1 [] [] ',
  "2026/01/02 03:04:05 [error] 1#1: *1 ",
  "2026/01/02 03:04:05 [error] 1#1: x, client: ",
  "[Fri Jan 02 03:04:05 2026] [error] ",
  "<13>",
  "<13>1 ",
  "<13>1 - - - - - [",
  '<13>1 - - - - - [a b="',
  "Jan  2 03:04:05 ",
  "Jan",
  "2026-01-02T03:04:05",
  '"',
];

const TAILS = [
  " ",
  '"',
  "\\",
  "\\u",
  "a ",
  "a=",
  'a="b" ',
  '""',
  "[",
  "]",
  "[a]",
  ", ",
  ", client: ",
  ' a="b"',
  ";",
  '";',
  "a",
  "0",
  "{",
  '{"a":',
  "\0",
  "\uD800",
  "%",
  "-",
  "- ",
  ":",
  "<1",
  "12 ",
  "é",
];

describe("any text", { timeout: 30_000 }, () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString()),
    fc
      .tuple(fc.constantFrom(...HEADS), fc.array(fc.constantFrom(...TAILS), { maxLength: 30 }))
      .map(([head, tails]) => head + tails.join("")),
  );

  test.each(parsers)("%s neither throws nor finds what no sink can ship", (_, parse) => {
    fc.assert(
      fc.property(text, (body) => {
        const { timestamp = { epochMs: 0, nanos: 0 }, severity, attributes = {} } = parse(body);
        expect([timestamp.epochMs, timestamp.nanos].every(Number.isInteger)).toBe(true);
        expect(timestamp.nanos >= 0 && timestamp.nanos < 1e6).toBe(true);
        expect([undefined, ...Array.from({ length: 24 }, (_value, index) => index + 1)]).toContain(severity?.number);
        expect(JSON.parse(JSON.stringify(attributes))).toEqual(attributes);
      }),
      { numRuns: 400 },
    );
  });
});

/** CPU time of so many calls, microseconds. */
const cost = (parse: Parse, body: string, calls: number): number =>
  cpuMicroseconds(() => {
    for (let call = 0; call < calls; call += 1) parse(body);
  });

const KIB = 1_024;

/** A linear parser costs 16 times as much for 64 KiB as for 4 KiB. Small differences below this are noise, microseconds. */
const NOISE = 2_000;

const bodyOf = (head: string, tail: string, length: number): string =>
  (head + tail.repeat(length / tail.length)).slice(0, length);

describe("64 KiB cost at most 20 times what 4 KiB cost", { timeout: 60_000 }, () => {
  test.each(parsers)("%s", (_, parse) => {
    const worst = HEADS.flatMap((head) => TAILS.map((tail) => [head, tail] as const))
      .map(([head, tail]) => ({ head, tail, cost: cost(parse, bodyOf(head, tail, 16 * KIB), 1) }))
      .sort((a, b) => b.cost - a.cost)
      .slice(0, 3);
    for (const { head, tail } of worst) {
      let best = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < 25 && best > 20; attempt += 1) {
        const small = cost(parse, bodyOf(head, tail, 4 * KIB), 16);
        const large = cost(parse, bodyOf(head, tail, 64 * KIB), 16);
        best = Math.min(best, large <= NOISE ? 0 : large / Math.max(small, 1));
      }
      expect([head, tail, best <= 20 ? "linear" : `${best} times`]).toEqual([head, tail, "linear"]);
    }
  });
});
