import { isDeepStrictEqual } from "node:util";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FormatSetting } from "../../src/core/format.ts";
import type { JsonObject, JsonValue, ParsedFields, Timestamp } from "../../src/core/record.ts";
import { parseObjectExactly } from "../../src/core/json-object.ts";
import type { TimeContext } from "../../src/records/time-context.ts";
import { parseTimestamp } from "../../src/records/timestamp.ts";
import { PROJECT } from "../support/agent-process.ts";
import { bytesOf, type PeerInput } from "../support/peer-input.ts";
import { isSeenOtherwise } from "../support/seen-otherwise.ts";
import { context, instant, parserOf } from "./context.ts";

/*
 * What the test suites of other agents expect of their parsers, read where it is: beside a checkout of the project, not
 * in it. Cases of design that we see otherwise are in docs/peers-expectations.md.
 */
const DIRECTORY = join(PROJECT, "../shared/cases");
const isThere = existsSync(DIRECTORY);

interface Case extends PeerInput {
  readonly id: string;
  readonly class: "must" | "design";
  readonly format?: string;
  readonly expected: JsonValue;
  readonly options?: Readonly<Record<string, JsonValue>>;
}

function read(name: string): readonly Case[] {
  if (!isThere) return [];
  const file: { readonly cases: readonly Case[] } = JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), "utf8"));
  return file.cases;
}

const page = readFileSync(join(PROJECT, "docs/peers-expectations.md"), "utf8");

const rows = (name: string): [string, Case][] =>
  read(name)
    .filter((found) => !isSeenOtherwise(found))
    .map((found) => [found.id, found]);

const inputOf = (found: Case): string => bytesOf(found).toString();

/** Written in the year of the cases. */
const YEAR = "2026";
const NOW = context(`${YEAR}-12-01T00:00:00Z`);

/** Our names of what the peers name otherwise. */
const NAMES: Readonly<Record<string, string>> = {
  compression: "gzipRatio",
  referrer: "referer",
  remote_addr: "client",
  remote_user: "user",
  http_referer: "referer",
  http_user_agent: "agent",
  body_bytes_size: "size",
  http_x_forwarded_for: "forwardedFor",
  host: "client",
  request_length: "requestLength",
  request_time: "requestTime",
  proxy_upstream_name: "upstreamName",
  proxy_alternative_upstream_name: "alternativeUpstreamName",
  upstream_addr: "upstreamAddress",
  upstream_response_length: "upstreamSize",
  req_id: "requestId",
  upstream_response_time: "upstreamTime",
  upstream_status: "upstreamStatus",
  cid: "connection",
  thread: "tid",
  id: "thread",
  proc_id: "procid",
  msg_id: "msgid",
  structured_data: "structuredData",
};

const SEVERITIES: Readonly<Record<string, number>> = {
  emerg: 21,
  emergency: 21,
  fatal: 21,
  panic: 21,
  alert: 19,
  crit: 18,
  critical: 18,
  err: 17,
  error: 17,
  warn: 13,
  warning: 13,
  notice: 10,
  info: 9,
  debug: 5,
  trace: 1,
};

/** By their numbers, as syslog(3) names them. */
const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );

/** What we found under a peer's name. */
function valueOf(found: ParsedFields, name: string, isAccess: boolean, expected: JsonValue): unknown {
  const attributes = found.attributes ?? {};
  if (name === "timestamp" || name === "$time" || name === "time") return found.timestamp;
  if (name === "severity" || (name === "level" && typeof expected === "string")) return found.severity?.number;
  if (name === "message" || name === "msg") return isAccess ? attributes["request"] : found.message;
  if (name === "priority") return undefined;
  return attributes[name] ?? attributes[NAMES[name] ?? name] ?? withName(attributes["structuredData"], name);
}

function withName(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value[name] : undefined;
}

const time = (text: string): Timestamp => instant(text.replace("{YEAR}", YEAR));

/** What the peer expects there, in our types: process numbers are texts in syslog, a ratio is a number, facilities have names. */
function expectedOf(name: string, value: JsonValue, found: unknown): unknown {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && typeof value["$time"] === "string")
    return time(value["$time"]);
  // A time that was read is no attribute beside that.
  if ((name === "$time" || name === "time") && typeof value === "string") return time(value.replace(/Z?$/, "Z"));
  if ((name === "severity" || name === "level") && typeof value === "string") return SEVERITIES[value];
  if (name === "facility" && typeof value === "number") return FACILITIES[value];
  if (typeof found === "number" && typeof value === "string") return Number(value);
  return typeof found === "string" && typeof value === "number" ? String(value) : value;
}

function isObject(text: string): boolean {
  try {
    return isFields(JSON.parse(text));
  } catch {
    return false;
  }
}

const isFields = (value: JsonValue): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** In what the fields differ from those that are expected: nothing, if all is well. */
function differences(found: ParsedFields, expected: JsonValue, isAccess: boolean): readonly unknown[] {
  if (!isFields(expected)) return expected === null && found.unparsed !== undefined ? [] : ["should not be read"];
  if (found.unparsed !== undefined) return ["should be read"];
  return Object.entries(expected).flatMap(([name, value]) => {
    // A number that facility and severity are made of, and two halves of a message.
    if (["priority", "message1", "message2"].includes(name)) return [];
    const own = valueOf(found, name, isAccess, value);
    return isDeepStrictEqual(own, expectedOf(name, value, own)) ? [] : [{ name, expected: value, found: own }];
  });
}

/** Of Apache's access log the peers call the request a message. */
const isAccess = ({ id, options }: Case, name: string): boolean =>
  name === "access" && /^apache|^clf/.test(id) && options?.["format"] !== "error";

/** Our formats of servers' logs are for both of their files: what is an error's line is none of their access log. */
const isOfOtherFile = ({ severity }: ParsedFields, { expected, options }: Case): boolean =>
  expected === null && severity !== undefined && options?.["format"] !== undefined && options["format"] !== "error";

const formatOf = (name: string, { id }: Case): FormatSetting => {
  if (name !== "access") return name === "klog" ? "klog" : name === "logfmt" ? "logfmt" : "syslog";
  return /^nginx|^access/.test(id) ? "nginx" : "apache";
};

/** All times that the text of an expectation allows. */
function timesIn(expected: JsonValue): readonly Timestamp[] {
  const text = typeof expected === "string" ? expected.replaceAll("{YEAR}", YEAR) : "";
  return [...text.matchAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d\d:\d\d:\d\dZ/g)].map(([found]) =>
    instant(found.length < 12 ? `${text.slice(0, 11)}${found}` : found),
  );
}

/** A format of one's own: what the peers have a name for is read without, and so is Rust's `%+`, which is RFC 3339. */
const ownFormat = (format: JsonValue | undefined): string | undefined =>
  typeof format === "string" && format.includes("%") && format !== "%+" ? format : undefined;

function offsetOf(seconds: number): string {
  const minutes = new Date(Math.abs(seconds) * 1_000).toISOString().slice(11, 16);
  return `${seconds < 0 ? "-" : "+"}${minutes}`;
}

function timeContextOf({ format, options = {} }: Case): TimeContext {
  const { timezone, utc_offset_seconds: seconds, now, timestamp_format: own = format } = options;
  return context(typeof now === "string" ? now : `${YEAR}-12-01T00:00:00Z`, {
    timeFormat: ownFormat(own),
    timeZone: typeof timezone === "string" ? timezone : typeof seconds === "number" ? offsetOf(seconds) : undefined,
  });
}

test.skipIf(isThere)(`the cases of other agents are not here: ${DIRECTORY}`, () => {
  expect(isThere).toBe(false);
});

describe.skipIf(!isThere)("what other agents expect", () => {
  const parsed = ["access", "klog", "logfmt", "syslog"].flatMap((name) =>
    rows(`parsers_${name}`).map(([id, found]) => [id, name, found] as const),
  );

  test.each(parsed)("%s (%s)", (_, name, found) => {
    const fields = parserOf(formatOf(name, found), timeContextOf(found))(inputOf(found));
    if (isOfOtherFile(fields, found)) return;
    expect(differences(fields, found.expected, isAccess(found, name))).toEqual([]);
  });

  const only = (name: string, id: string): [string, Case][] => rows(name).filter(([found]) => found === id);

  test.each(only("parsers_syslog", "syslog-own-rfc3164-rollover-dec"))(
    "%s: on New Year's Day the year is last year's",
    (_, found) => {
      const fields = parserOf("syslog", context("2026-01-01T00:00:05Z"))(inputOf(found));
      expect(fields.timestamp).toEqual(instant("2025-12-31T23:59:59Z"));
    },
  );

  const json = rows("parsers_json");

  test.each(json.filter(([, { expected }]) => expected === null || expected === "\uFFFD"))(
    "%s is no object",
    (_, found) => {
      expect(parserOf("json", NOW)(inputOf(found))).toEqual({ unparsed: "json" });
    },
  );

  test.each(json.filter(([, { expected }]) => isFields(expected)))("%s is an object", (_, found) => {
    const body = inputOf(found);
    expect(parserOf("json", NOW)(body).unparsed).toBeUndefined();
    const expected: JsonValue = JSON.parse(JSON.stringify(found.expected).replaceAll(" (exact)", ""));
    expect(parseObjectExactly(body) ?? {}).toEqual(expected);
  });

  const inWords = json.filter(([, { expected }]) => typeof expected === "string" && expected !== "\uFFFD");

  test.each(inWords)("%s: no crash, and what is shipped is valid UTF-8", (_, found) => {
    const body = inputOf(found);
    expect(parserOf("json", NOW)(body)).toMatchObject(isObject(body) ? { isObject: true } : { unparsed: "json" });
    expect(Buffer.from(body).toString()).toBe(body);
  });

  test.each(rows("timestamps"))("%s", (_, found) => {
    const time = parseTimestamp(found.input ?? inputOf(found), timeContextOf(found));
    expect(found.expected === null ? [undefined] : timesIn(found.expected)).toContainEqual(time);
  });
});

test("what is seen otherwise is a case of design that there is", () => {
  if (!isThere) return;
  const names = ["parsers_access", "parsers_klog", "parsers_logfmt", "parsers_syslog", "parsers_json", "timestamps"];
  const ids = new Map(names.flatMap(read).map((found) => [found.id, found.class]));
  const [, section = ""] = /## Formats\n([\s\S]*?)(?:\n## |$)/.exec(page) ?? [];
  const listed = [...section.matchAll(/^\| `([\w-]+)`/gm)].map(([, id = ""]) => id);
  expect(listed.length).toBeGreaterThan(3);
  // Of another set of cases none of these may be there.
  const known = listed.filter((id) => ids.has(id));
  expect([[], listed]).toContainEqual(known);
  expect(known.filter((id) => ids.get(id) !== "design")).toEqual([]);
});
