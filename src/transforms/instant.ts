import type { Timestamp } from "../core/record.ts";

/** The time that ISO 8601 text with a zone tells, as `2026-11-24T09:30:00Z`; undefined for anything else. */
export function parseInstant(text: unknown): Timestamp | undefined {
  if (typeof text !== "string") return undefined;
  const [, seconds, fraction = "", zone] =
    /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const epochMs = Date.parse(`${seconds.replace(" ", "T")}${zone}`);
  const nanos = Number(fraction.padEnd(9, "0"));
  return Number.isNaN(epochMs) ? undefined : { epochMs: epochMs + Math.floor(nanos / 1e6), nanos: nanos % 1e6 };
}

/** Negative, zero or positive, as for sorting. */
export const compareTimes = (a: Timestamp, b: Timestamp): number => a.epochMs - b.epochMs || a.nanos - b.nanos;
