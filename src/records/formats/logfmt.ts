import type { JsonValue, ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { toFields } from "../well-known.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

type Pair = readonly [key: string, value: JsonValue];

/**
 * `key=value` pairs with blanks between them; a value with blanks is quoted, and escaped as in Go; a key alone is true.
 * Values stay texts. A line without any `=`, with a value whose quote is not closed, or without a key is none.
 */
export function readLogfmt(body: string, context: TimeContext): ParsedFields | undefined {
  const pairs = readPairs(body);
  return pairs === undefined ? undefined : toFields(Object.fromEntries(pairs), context);
}

/** Names of which a line of a logger has at least one. */
const TELLING = /^(?:level|lvl|severity|msg|message|time|ts|timestamp|err|error)$/;

/** Whether `auto` may take a line for logfmt: two pairs or more, no bare words, and a field that loggers write. */
export function isTellingLogfmt(body: string): boolean {
  const pairs = readPairs(body) ?? [];
  return pairs.length > 1 && pairs.every(([, value]) => value !== true) && pairs.some(([key]) => TELLING.test(key));
}

function readPairs(body: string): readonly Pair[] | undefined {
  if (!body.includes("=")) return undefined;
  const pairs: Pair[] = [];
  let at = 0;
  let hasValue = false;
  while (at < body.length) {
    if (body.charCodeAt(at) <= SPACE) {
      at += 1;
      continue;
    }
    const keyStart = at;
    while (isOfKey(body.charCodeAt(at))) at += 1;
    if (at === keyStart) return undefined;
    const key = body.slice(keyStart, at);
    if (body.charCodeAt(at) !== EQUALS) {
      if (body.charCodeAt(at) === QUOTE) return undefined;
      pairs.push([key, true]);
      continue;
    }
    const valueStart = at + 1;
    at = endOfValue(body, valueStart);
    if (at === -1) return undefined;
    hasValue = true;
    const isQuoted = body.charCodeAt(valueStart) === QUOTE;
    pairs.push([key, isQuoted ? unescape(body.slice(valueStart + 1, at - 1)) : body.slice(valueStart, at)]);
  }
  return hasValue ? pairs : undefined;
}

/** NaN, beyond the end, is none. */
const isOfKey = (code: number): boolean => code > SPACE && code !== EQUALS && code !== QUOTE;

/** Where the value that begins at `start` ends; -1 if its quote is not closed, or is closed within a word. */
function endOfValue(body: string, start: number): number {
  let at = start;
  if (body.charCodeAt(at) !== QUOTE) {
    while (at < body.length && body.charCodeAt(at) > SPACE) at += 1;
    return at;
  }
  for (at += 1; at < body.length && body.charCodeAt(at) !== QUOTE; at += 1)
    if (body.charCodeAt(at) === BACKSLASH) at += 1;
  if (at >= body.length) return -1;
  return at + 1 === body.length || body.charCodeAt(at + 1) <= SPACE ? at + 1 : -1;
}

const ESCAPED: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  '"': '"',
  "\\": "\\",
  "'": "'",
  "/": "/",
};

/**
 * Source: Go's strconv.Quote, which the libraries for logfmt use. A backslash before any other character stays: whoever
 * wrote it escapes none.
 */
const unescape = (text: string): string =>
  text.includes("\\")
    ? text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))/gsu, (all, u?: string, x?: string, other = "") => {
        const code = u ?? x;
        return code === undefined ? (ESCAPED[other] ?? all) : String.fromCharCode(Number.parseInt(code, 16));
      })
    : text;
