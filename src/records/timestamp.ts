import type { JsonValue, Timestamp } from "../core/record.ts";
import { compileTimeFormat } from "../core/time-format.ts";
import { EARLIEST_MS, LATEST_MS, midnight, plausible, type TimeContext, toTimestamp, toUtc } from "./time-context.ts";

/** Date strings are short; a longer string is no date, and is not looked at. */
const MAX_TEXT = 96;

/** Times without an offset are in UTC, and those without a year are none. */
export const UTC: TimeContext = { zone: undefined, reference: () => Number.NaN, read: undefined };

/**
 * The time a field holds: ISO 8601 with any precision and offset; seconds, milliseconds, microseconds or nanoseconds since
 * the epoch, told apart by their magnitude; the common log format, syslog's, and the defaults of Java, Python and Go; or the
 * source's own format. Undefined for anything else, and for times outside of the years 2000 to 2100.
 */
export function parseTimestamp(value: JsonValue | undefined, context: TimeContext = UTC): Timestamp | undefined {
  if (typeof value === "number") return fromEpoch(value);
  if (typeof value !== "string" || value.length > MAX_TEXT) return undefined;
  const own = context.read?.(value);
  return own === undefined ? parseKnown(value, context) : toTimestamp(own, context);
}

function parseKnown(text: string, context: TimeContext): Timestamp | undefined {
  const first = text.charCodeAt(0);
  const fifth = text.charCodeAt(4);
  if (fifth === DASH || fifth === SLASH) return parseIso(text, context);
  if (!isDigit(first)) return first > 0x40 ? parseFirst(NAMED, text, context) : undefined;
  const third = text.charCodeAt(2);
  if (third === SLASH || third === DASH || third === SPACE) return parseFirst(DAY_FIRST, text, context);
  return parseEpochText(text);
}

function parseFirst(formats: typeof NAMED, text: string, context: TimeContext): Timestamp | undefined {
  for (const read of formats) {
    const parts = read(text);
    if (parts !== undefined) return toTimestamp(parts, context);
  }
  return undefined;
}

/** Formats that begin with a day: the common log format and Python's http.server, Tomcat's, log4j's `DATE` and the dates of HTTP. */
const DAY_FIRST = [
  "%d/%b/%Y:%H:%M:%S%. %z",
  "%d/%b/%Y:%H:%M:%S%.",
  "%d/%b/%Y %H:%M:%S%.",
  "%d-%b-%Y %H:%M:%S%.",
  "%d %b %Y %H:%M:%S%.",
  "%d %b %Y %H:%M:%S%. %z",
].map(compileTimeFormat);

/** Formats that begin with a name: syslog's (with what Cisco adds), that of java.util.logging, ctime(3), date(1), HTTP. */
const NAMED = [
  "%b %d %H:%M:%S%.",
  "%b %d %Y %H:%M:%S%.",
  "%b %d, %Y %I:%M:%S%. %p",
  "%a %b %d %H:%M:%S%. %Y",
  "%a %b %d %H:%M:%S%. %Z %Y",
  "%a %b %d %H:%M:%S%. %z %Y",
  "%a, %d %b %Y %H:%M:%S%. %z",
].map(compileTimeFormat);

const ZERO = 0x30;
const COLON = 0x3a;
const DASH = 0x2d;
const SLASH = 0x2f;
const SPACE = 0x20;

const isDigit = (code: number): boolean => code >= ZERO && code <= ZERO + 9;

/**
 * `YYYY-MM-DD` (Go and nginx: `YYYY/MM/DD`), `T` or a space, `hh:mm`, then optionally `:ss`, a fraction and an offset. By
 * character codes, for this runs for each JSON line there is.
 */
function parseIso(text: string, context: TimeContext): Timestamp | undefined {
  const start = midnightOf(text.slice(0, 10));
  const separator = text.charCodeAt(10) | 0x20;
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const hasSecond = text.charCodeAt(16) === COLON;
  const second = hasSecond ? twoDigits(text, 17) : 0;
  const isTime = text.charCodeAt(13) === COLON && hour < 24 && minute < 60 && second <= 60;
  if (start === undefined || !isTime || (separator !== 0x74 && separator !== SPACE)) return undefined;
  let at = hasSecond ? 19 : 16;
  let nanos = 0;
  if (hasSecond && (text.charCodeAt(at) === 0x2e || text.charCodeAt(at) === 0x2c)) {
    let unit = 100_000_000;
    for (at += 1; isDigit(text.charCodeAt(at)); at += 1, unit /= 10)
      if (unit >= 1) nanos += (text.charCodeAt(at) - ZERO) * unit;
    if (unit === 100_000_000) return undefined;
  }
  const offset = at === text.length ? undefined : offsetMs(text.slice(at));
  if (Number.isNaN(offset)) return undefined;
  const ofDayMs = ((hour * 60 + minute) * 60 + second) * 1_000;
  return plausible(toUtc(start + ofDayMs + Math.floor(nanos / 1e6), offset, context), nanos % 1e6);
}

/** The number that two digits make, or NaN, which is in no range. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - ZERO) * 10 + ones - ZERO : Number.NaN;
}

/** The date of the last call: successive lines are of the same day nearly always. */
let lastDate = "";
let lastMidnight: number | undefined;

function midnightOf(date: string): number | undefined {
  if (date === lastDate) return lastMidnight;
  const match = /^(\d{4})([-/])(\d\d)\2(\d\d)$/.exec(date);
  lastDate = date;
  lastMidnight = match === null ? undefined : midnight(Number(match[1]), Number(match[3]), Number(match[4]));
  return lastMidnight;
}

/** The name of a zone that Go writes behind its offset says nothing more. */
const OFFSET = /^ ?(?:[Zz]|UTC|GMT|([+-])(\d\d)(?::?(\d\d))?(?: [A-Z]{1,5})?)$/;

/** Milliseconds east of Greenwich of `Z`, `UTC`, `+02`, `+0200` or `+02:00`; NaN for anything else. */
function offsetMs(zone: string): number {
  if (zone === "Z") return 0;
  const match = OFFSET.exec(zone);
  if (match === null) return Number.NaN;
  const ms = (Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)) * 60_000;
  return match[1] === "-" ? -ms : ms;
}

/** By its digits, for a double holds no nanoseconds of our time. */
function parseEpochText(text: string): Timestamp | undefined {
  const match = /^(\d{9,19})(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = "", decimals = ""] = match;
  // Nanoseconds since the epoch have 19 digits, as long as they are plausible.
  const unitDigits = whole.length <= 10 ? 0 : whole.length <= 13 ? 3 : whole.length <= 16 ? 6 : 9;
  const digits = whole + decimals.padEnd(9, "0").slice(0, 9 - unitDigits);
  return plausible(Number(digits.slice(0, -6)), Number(digits.slice(-6)));
}

function fromEpoch(value: number): Timestamp | undefined {
  if (value >= LATEST_MS * 1_000) return plausible(Math.floor(value / 1e6), Math.floor(value % 1e6));
  if (value >= LATEST_MS)
    return plausible(Math.floor(value / 1e3), Math.min(Math.floor((value % 1e3) * 1_000), 999_999));
  if (value >= EARLIEST_MS) return plausible(Math.floor(value), Math.min(Math.round((value % 1) * 1e6), 999_999));
  // Microseconds are what a double can hold of seconds since the epoch.
  const micros = Math.round(value * 1e6);
  return plausible(Math.floor(micros / 1e3), (micros % 1e3) * 1_000);
}
