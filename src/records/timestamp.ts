import type { JsonValue, Timestamp } from "../core/record.ts";

/** 2000-01-01 and 2100-01-01 in milliseconds: a number outside is no time of a log record in that unit. */
const EARLIEST_MS = 946_684_800_000;
const LATEST_MS = 4_102_444_800_000;

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?\s?(Z|[+-]\d\d(?::?\d\d)?)?$/;

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

function parseIso(text: string): Timestamp | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const ofDay = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const nanos = fraction === undefined ? 0 : Number(fraction.padEnd(9, "0"));
  // Date.UTC carries the 31st of a short month over into the next; such a date, like hour 25, is not one.
  if (
    new Date(midnight).getUTCDate() !== Number(day) ||
    Number(hour) > 24 ||
    Number(minute) > 59 ||
    Number(second) > 60
  )
    return undefined;
  return plausible(midnight + ofDay * 1_000 - offsetMs(zone) + Math.floor(nanos / 1e6), nanos % 1e6);
}

/** Milliseconds east of Greenwich of `Z`, `+02`, `+0200` or `+02:00`. */
function offsetMs(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(zone.length > 3 ? -2 : 3));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
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
