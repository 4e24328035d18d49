import type { TimeParts } from "../core/time-directives.ts";
import type { Timestamp } from "../core/record.ts";
import { fromLocal, type TimeZone } from "../core/time-zone.ts";

/** What a text leaves open about its time. */
export interface TimeContext {
  /** Whose clocks show times without an offset; UTC's if undefined. */
  readonly zone: TimeZone | undefined;
  /** About when the text was written, milliseconds since the epoch: tells the year of times without one. */
  readonly reference: () => number;
  /** The source's own format of times, tried before those that are known. */
  readonly read: ((text: string) => TimeParts | undefined) | undefined;
}

/** A day ahead of the reference is a clock that is ahead, or an offset that isn't known. */
const CLOCK_MS = 86_400_000;

/**
 * A time without a year that is further ahead than this is last year's. Much more than clocks are wrong, for the reference
 * may be behind too; lines that are nearly a year old, which this takes for new ones, are rarer than that.
 */
const AHEAD_MS = 45 * CLOCK_MS;

/** The last leap year may be so long ago. */
const MAX_YEARS_BACK = 8;

/** 2000-01-01 and 2100-01-01 in milliseconds: what is outside is no time of a log record, and is not trusted. */
export const EARLIEST_MS = 946_684_800_000;
export const LATEST_MS = 4_102_444_800_000;

/** A timestamp if it is a plausible one. */
export const plausible = (epochMs: number, nanos: number): Timestamp | undefined =>
  epochMs >= EARLIEST_MS && epochMs < LATEST_MS ? { epochMs, nanos } : undefined;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Milliseconds of a date's midnight as if in UTC; undefined if there is no such date. */
export function midnight(year: number, month: number, day: number): number | undefined {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
  // Date.UTC takes years below 100 for those of the 20th century; none of them is plausible anyway.
  return day >= 1 && day <= days ? Date.UTC(year, month - 1, day) : undefined;
}

export const toUtc = (localMs: number, offsetMs: number | undefined, { zone }: TimeContext): number =>
  offsetMs !== undefined ? localMs - offsetMs : zone === undefined ? localMs : fromLocal(localMs, zone);

/** The time that the parts make; undefined if they make none, or an implausible one. */
export function toTimestamp(parts: TimeParts, context: TimeContext): Timestamp | undefined {
  const { year, month, day, hour, minute = 0, second = 0, nanos = 0, isAfternoon, offsetMs, epochSeconds } = parts;
  const millis = Math.floor(nanos / 1e6);
  if (epochSeconds !== undefined) return plausible(epochSeconds * 1_000 + millis, nanos % 1e6);
  if (month === undefined || day === undefined || hour === undefined) return undefined;
  const hourOfDay = isAfternoon === undefined ? hour : (hour % 12) + (isAfternoon ? 12 : 0);
  const ofDayMs = ((hourOfDay * 60 + minute) * 60 + second) * 1_000 + millis;
  const start = year === undefined ? yearlessMidnight(month, day, ofDayMs, context) : midnight(year, month, day);
  return start === undefined ? undefined : plausible(toUtc(start + ofDayMs, offsetMs, context), nanos % 1e6);
}

/** The midnight of a date without a year: of the year that puts the time closest before the reference, or little after. */
function yearlessMidnight(month: number, day: number, ofDayMs: number, context: TimeContext): number | undefined {
  const utcMs = context.reference();
  const nowMs = utcMs + (context.zone?.offsetAt(utcMs) ?? 0);
  const thisYear = new Date(nowMs).getUTCFullYear();
  for (let year = thisYear + 1; year > thisYear - MAX_YEARS_BACK; year -= 1) {
    const start = midnight(year, month, day);
    const aheadMs = year > thisYear ? CLOCK_MS : AHEAD_MS;
    if (start !== undefined && start + ofDayMs <= nowMs + aheadMs) return start;
  }
  return undefined;
}
