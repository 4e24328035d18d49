import type { Timestamp } from "../core/record.ts";

/** The last millisecond of the year 9999: beyond it no vendor reads what we write. */
const MAX_EPOCH_MS = 253_402_300_799_999;

/** Of that second, as `2026-01-01T00:00:00`: records of a batch mostly share theirs, and making a Date costs more than the rest. */
let lastSecond = Number.NaN;
let lastSecondText = "";

function secondText(second: number): string {
  if (second !== lastSecond) {
    lastSecondText = new Date(second * 1_000).toISOString().slice(0, 19);
    lastSecond = second;
  }
  return lastSecondText;
}

/** `000` to `999`, made once: a timestamp is written for most records. */
const THREE_DIGITS: readonly string[] = Array.from({ length: 1_000 }, (_, value) => String(value).padStart(3, "0"));

/** Fraction of a second with the digits the timestamp has: 3, 6 or 9. */
function fraction(millis: number, nanos: number): string {
  const digits = THREE_DIGITS[millis] ?? "";
  if (nanos === 0) return digits;
  const rest = String(nanos).padStart(6, "0");
  return digits + (rest.endsWith("000") ? rest.slice(0, 3) : rest);
}

const isWritable = ({ epochMs }: Timestamp): boolean => epochMs >= 0 && epochMs <= MAX_EPOCH_MS;

/** `2026-01-01T00:00:00.123456789Z` with 3, 6 or 9 decimals; undefined outside the years 1970 to 9999. */
export function isoTimestamp(timestamp: Timestamp): string | undefined {
  if (!isWritable(timestamp)) return undefined;
  const second = Math.floor(timestamp.epochMs / 1_000);
  return `${secondText(second)}.${fraction(timestamp.epochMs - second * 1_000, timestamp.nanos)}Z`;
}

/**
 * Seconds since the epoch as a plain decimal with 3 or 6 decimals, never in exponent notation; undefined outside the
 * years 1970 to 9999. Splunk keeps microseconds.
 */
export function epochSeconds(timestamp: Timestamp): string | undefined {
  if (!isWritable(timestamp)) return undefined;
  const second = Math.floor(timestamp.epochMs / 1_000);
  return `${second}.${fraction(timestamp.epochMs - second * 1_000, timestamp.nanos).slice(0, 6)}`;
}
