import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDatadogEncoder } from "../../src/sinks/datadog/encode.ts";
import { createSplunkEncoder } from "../../src/sinks/splunk-hec/encode.ts";
import { createNdjsonEncoder } from "../../src/sinks/stdout/encode.ts";
import { HOSTILE } from "../contract/hostile-lines.ts";
import { arrayElements, concatenatedValues, objectMembers } from "../support/json-stream.ts";
import { asText, record, resource, stoppedClock } from "./support.ts";

const encodeDatadog = asText(createDatadogEncoder(resource, { ddsource: "x", tags: [] }, stoppedClock()));
const encodeSplunk = asText(createSplunkEncoder(resource, { fields: {} }));
const encodeNdjson = asText(createNdjsonEncoder(resource));

/** What a lone half of a surrogate pair becomes in UTF-8, or else the text itself. */
const inUtf8 = (text: string): string => Buffer.from(text).toString();

/** The text of one member of a JSON object, as it stands there. */
const member = (json: string, name: string): string | undefined => new Map(objectMembers(json)).get(name);

/** Nothing but white space and control characters, which Splunk would refuse as blank. */
const IS_BLANK = /^[\s\p{Cc}]*$/u;

const isWholeObject = (body: string): boolean => record(body).fields.isObject === true;

/** What stands in a body, read by a parser of its own, beside what should stand there: one entry a record. */
export interface Reading {
  readonly found: readonly unknown[];
  readonly expected: readonly unknown[];
}

function readDatadog(bodies: readonly string[]): Reading {
  const text = encodeDatadog(bodies.map((body) => record(body)));
  const found = [...arrayElements(text)].map((element) => ({
    names: [...objectMembers(element)].map(([name]) => name),
    message: JSON.parse(member(element, "message") ?? ""),
  }));
  const names = ["message", "ddsource", "service", "hostname", "ddtags"];
  return { found, expected: bodies.map((message) => ({ names, message })) };
}

function splunkEvent(body: string): string {
  if (isWholeObject(body)) return inUtf8(body.trim());
  return IS_BLANK.test(body) ? JSON.stringify({ message: body }) : JSON.stringify(body);
}

function readSplunk(bodies: readonly string[]): Reading {
  const text = encodeSplunk(bodies.map((body) => record(body)));
  const found = [...concatenatedValues(text)].map((envelope) => ({
    names: [...objectMembers(envelope)].map(([name]) => name).filter((name) => name !== "sourcetype"),
    event: member(envelope, "event"),
  }));
  const names = ["host", "source", "fields", "event"];
  return { found, expected: bodies.map((body) => ({ names, event: splunkEvent(body) })) };
}

function readNdjson(bodies: readonly string[]): Reading {
  const text = encodeNdjson(bodies.map((body) => record(body)));
  const found = text.split("\n").map((line) => (line === "" ? "end" : Object.fromEntries(objectMembers(line))));
  const expected = bodies.map((body) => ({
    timestamp: "null",
    severity: "null",
    message: JSON.stringify(body),
    attributes: isWholeObject(body) ? inUtf8(body.replaceAll("\r\n", " ").trim()) : "{}",
    resource: expect.stringMatching(/^\{"service.name":"checkout",.*\}$/),
    file: '"/var/log/app.log"',
    offset: "0",
  }));
  return { found, expected: [...expected, "end"] };
}

const readers = [
  ["datadog", readDatadog],
  ["splunkHec", readSplunk],
  ["stdout", readNdjson],
] as const;

describe.each(readers)("%s: no line can forge, break or hide a record", (_sink, read) => {
  test.each(HOSTILE.map((body) => [body.slice(0, 60), body]))("%j", (_name, body) => {
    const { found, expected } = read(["before", body, '{"after":1}']);
    expect(found).toEqual(expected);
  });

  test("all of them in one batch", () => {
    const { found, expected } = read(HOSTILE);
    expect(found).toEqual(expected);
  });

  test("any text, and any prefix of an object followed by any text", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 }).filter((body) => body.isWellFormed());
    const json = fc.json({ maxDepth: 2 });
    const cut = fc.tuple(json, fc.nat(60), text).map(([value, length, rest]) => value.slice(0, length) + rest);
    const line = fc.oneof(text, json, cut).map((body) => body.replaceAll(/[\r\n]/g, ""));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
        const { found, expected } = read(lines);
        expect(found).toEqual(expected);
      }),
    );
  });
});
