import type { JsonValue, Timestamp } from "../core/record.ts";

/** 2000-01-01 and 2100-01-01 in milliseconds: a number outside is no time of a log record in that unit. */
const EARLIEST_MS = 946_684_800_000;
const LATEST_MS = 4_102_444_800_000;

/** Date strings are short; a longer string is no date, and is not looked at. */
const MAX_TEXT = 64;

/**
 * The time a field holds: ISO 8601 with any precision and offset (without an offset it is UTC), or seconds, milliseconds,
 * microseconds or nanoseconds since the epoch, told apart by their magnitude. Undefined for anything else, and for times
 * outside of the years 2000 to 2100.
 */
export function parseTimestamp(value: JsonValue | undefined): Timestamp | undefined {
  if (typeof value === "string" && value.length <= MAX_TEXT) {
    return value.charCodeAt(4) === 0x2d
      ? parseIso(value)
      : /^\d{10,19}(?:\.\d+)?$/.test(value)
        ? fromEpoch(Number(value))
        : undefined;
  }
  return typeof value === "number" ? fromEpoch(value) : undefined;
}

/**
 * `YYYY-MM-DD`, `T` or a space, `hh:mm:ss`, then an optional fraction and zone. By character codes, for this runs for each
 * JSON line there is.
 */
function parseIso(text: string): Timestamp | undefined {
  const midnight = midnightOf(text.slice(0, 10));
  const separator = text.charCodeAt(10);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  const isTime =
    text.charCodeAt(13) === COLON && text.charCodeAt(16) === COLON && hour < 24 && minute < 60 && second <= 60;
  if (midnight === undefined || !isTime || (separator !== 0x54 && separator !== 0x20)) return undefined;
  let at = 19;
  let nanos = 0;
  if (text.charCodeAt(at) === 0x2e || text.charCodeAt(at) === 0x2c) {
    let unit = 100_000_000;
    for (at += 1; isDigit(text.charCodeAt(at)); at += 1, unit /= 10)
      if (unit >= 1) nanos += (text.charCodeAt(at) - ZERO) * unit;
    if (unit === 100_000_000) return undefined;
  }
  const offset = offsetMs(text.slice(at));
  if (offset === undefined) return undefined;
  const ofDayMs = ((hour * 60 + minute) * 60 + second) * 1_000;
  return plausible(midnight + ofDayMs - offset + Math.floor(nanos / 1e6), nanos % 1e6);
}

const ZERO = 0x30;
const COLON = 0x3a;

const isDigit = (code: number): boolean => code >= ZERO && code <= ZERO + 9;

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
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date);
  const midnight = match === null ? Number.NaN : Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  // The 31st of a short month, or month 13, is carried over into another date, and is none.
  const isDate = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date);
  lastDate = date;
  lastMidnight = isDate ? midnight : undefined;
  return lastMidnight;
}

/** Milliseconds east of Greenwich of `Z`, `+02`, `+0200` or `+02:00`; 0 for no zone at all. */
function offsetMs(zone: string): number | undefined {
  if (zone === "Z" || zone === "") return 0;
  const match = /^ ?([+-])(\d\d)(?::?(\d\d))?$|^ Z$/.exec(zone);
  if (match === null) return undefined;
  const ms = (Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)) * 60_000;
  return match[1] === "-" ? -ms : ms;
}

function fromEpoch(value: number): Timestamp | undefined {
  if (value >= LATEST_MS * 1_000) return plausible(Math.floor(value / 1e6), Math.floor(value % 1e6));
  if (value >= LATEST_MS) return plausible(Math.floor(value / 1e3), Math.floor(value % 1e3) * 1_000);
  if (value >= EARLIEST_MS) return plausible(Math.floor(value), Math.round((value % 1) * 1e6));
  // Microseconds are what a double can hold of seconds since the epoch.
  const micros = Math.round(value * 1e6);
  return plausible(Math.floor(micros / 1e3), (micros % 1e3) * 1_000);
}

function plausible(epochMs: number, nanos: number): Timestamp | undefined {
  return epochMs >= EARLIEST_MS && epochMs < LATEST_MS ? { epochMs, nanos: Math.min(nanos, 999_999) } : undefined;
}
