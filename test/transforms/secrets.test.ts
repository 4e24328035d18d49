import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { LogRecord, Parse } from "../../src/core/record.ts";
import type { Sink } from "../../src/core/sink.ts";
import { createDatadogEncoder } from "../../src/sinks/datadog/encode.ts";
import { createSplunkEncoder } from "../../src/sinks/splunk-hec/encode.ts";
import { createNdjsonEncoder, encodeRaw } from "../../src/sinks/stdout/encode.ts";
import { TestClock } from "../core/test-clock.ts";
import { encoder } from "../pipeline/fakes.ts";
import { anyText, recordsOf, RESOURCE, transformer } from "./support.ts";

/** What must be found nowhere: of a token behind its name the token itself. */
const PLANTED = [
  { written: "4111 1111 1111 1111", secret: "4111 1111 1111 1111" },
  { written: "5555555555554444", secret: "5555555555554444" },
  { written: "ann.lee+x@shop.example.org", secret: "ann.lee+x@shop.example.org" },
  { written: "Authorization: Bearer s3cr3t/t0ken+x=", secret: "s3cr3t/t0ken+x=" },
  { written: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", secret: "eyJzdWIiOiJ4In0" },
  { written: "AKIAIOSFODNN7EXAMPLE", secret: "AKIAIOSFODNN7EXAMPLE" },
  {
    written: "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  },
  { written: "203.0.113.77", secret: "203.0.113.77" },
  { written: "2001:db8::dead:77", secret: "2001:db8::dead:77" },
  { written: "ssn=078-05-1120", secret: "078-05-1120" },
] as const;

const redact = transformer(`
- redact:
    patterns: [creditCard, email, bearerToken, jwt, awsKey, ip, {matches: '\\d{3}-\\d{2}-\\d{4}'}]
`);

const SINKS: Readonly<Record<string, Sink["encode"]>> = {
  datadog: createDatadogEncoder(RESOURCE, { ddsource: "x", tags: [] }, new TestClock(0)),
  splunk: createSplunkEncoder(RESOURCE, { fields: {} }),
  ndjson: createNdjsonEncoder(RESOURCE),
  raw: encodeRaw,
};

/** Text as it reads when whatever is escaped in it is resolved, again and again. */
function readings(text: string): readonly string[] {
  const all = [text];
  for (let level = 0; level < 6; level += 1) {
    const last = all.at(-1) ?? "";
    const next = last.replaceAll(
      /\\(?:u([\dA-Fa-f]{4})|(.))/gs,
      (_, hex: string | undefined, simple: string | undefined) =>
        hex === undefined ? (simple ?? "") : String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (next === last) break;
    all.push(next);
  }
  return all;
}

/** JSON writes the same character in several ways. */
const escapeSome = (json: string, seed: number): string =>
  json
    .split("")
    .map((character, index) => {
      const choice = (seed >> (index % 24)) & 3;
      if (choice === 0 && /[\w@.:/+=-]/.test(character))
        return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
      return character === "/" && choice === 1 ? String.raw`\/` : character;
    })
    .join("");

/** A JSON string of a text, some of it escaped; `inJson` puts it into a string of JSON in a string of JSON. */
const quoted = (text: string, seed: number, inJson: boolean): string =>
  inJson
    ? JSON.stringify(`{"inner":"${escapeSome(JSON.stringify(text).slice(1, -1), seed)}"}`)
    : `"${escapeSome(JSON.stringify(text).slice(1, -1), seed)}"`;

const place = fc.constantFrom("value", "key", "list", "deep", "text", "number", "logfmt", "cut");
/** What stands beside a secret is no part of it. */
const beside = anyText.map((text) => `${text.replaceAll(/[\p{L}\p{N}\p{M}@%.:+=_/\\~*^'#$!&-]/gu, "")} `);

const logfmt: Parse = (body) => ({ message: body.slice(0, 200), attributes: { all: body, nested: { list: [body] } } });

interface Line {
  readonly planted: (typeof PLANTED)[number];
  readonly place: string;
  readonly before: string;
  readonly after: string;
  readonly seed: number;
  readonly inJson: boolean;
}

const line: fc.Arbitrary<Line> = fc.record({
  planted: fc.constantFrom(...PLANTED),
  place,
  before: beside,
  after: beside,
  seed: fc.nat(),
  inJson: fc.boolean(),
});

function written({ planted, place: where, before, after, seed, inJson }: Line): string {
  const text = before + planted.written + after.split("").toReversed().join("");
  const json = quoted(text, seed, inJson);
  switch (where) {
    case "key":
      return `{"a":12345678901234567890,${quoted(text, seed, false)}:1}`;
    case "list":
      return `{"list":[1,[${json}],null]}`;
    case "deep":
      return `{"time":"2026-11-24T10:00:00Z","o":{"o":{"msg":${json}}}}`;
    case "number":
      return `{"n":${/^\d+$/.test(planted.written) ? planted.written : json}}`;
    case "text":
    case "logfmt":
      return text;
    case "cut":
      return `{"msg":${json},"cut":`;
    default:
      return `{"msg":${json}}`;
  }
}

function encoded(records: readonly LogRecord[], encode: Sink["encode"]): string {
  return encoder.encode({ encode }, records).toString();
}

test("no secret that was planted is to be read in what any sink sends, however it was written", () => {
  fc.assert(
    fc.property(line, (one) => {
      const text = written(one);
      const parse = one.place === "logfmt" ? logfmt : undefined;
      const records = redact.transform(recordsOf([text], parse), 1, 0, 1);
      for (const [name, encode] of Object.entries(SINKS)) {
        const found = readings(encoded(records, encode)).filter((reading) => reading.includes(one.planted.secret));
        expect([name, text, found]).toEqual([name, text, []]);
      }
    }),
    { numRuns: 500 },
  );
});

test("the oracle finds what is not redacted", () => {
  const [planted] = PLANTED;
  const one = { planted, place: "deep", before: "", after: "", seed: 12_345, inJson: true } as const;
  const records = recordsOf([written(one)]);
  for (const encode of Object.values(SINKS)) {
    expect(readings(encoded(records, encode)).some((reading) => reading.includes(planted.secret))).toBe(true);
  }
});
