import { z } from "zod";

/** A time zone: what local clocks show. */
export interface TimeZone {
  readonly name: string;
  /** Milliseconds that its clocks are ahead of UTC at an instant. */
  offsetAt(utcMs: number): number;
}

/** Offsets change at quarters of an hour only. */
const STEP_MS = 900_000;

/** Offsets that are remembered: successive lines are of a few steps. */
const MAX_STEPS = 256;

const DAY_MS = 86_400_000;

/** `GMT`, `GMT+05:30`, `GMT-08:00` as Intl writes an offset. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d))?/;

/** Of an IANA name (`Europe/Berlin`) or a fixed offset (`+05:30`). Throws a RangeError if there is none of that name. */
export function createTimeZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", year: "numeric" });
  const steps = new Map<number, number>();
  return {
    name,
    offsetAt(utcMs) {
      const step = Math.floor(utcMs / STEP_MS);
      let offset = steps.get(step);
      if (offset === undefined) {
        if (steps.size >= MAX_STEPS) steps.clear();
        offset = readOffset(format.format(step * STEP_MS));
        steps.set(step, offset);
      }
      return offset;
    },
  };
}

function readOffset(text: string): number {
  const [, sign, hours, minutes] = OFFSET.exec(text) ?? [];
  const ms = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
  return sign === "-" ? -ms : ms;
}

/**
 * The instant at which the zone's clocks show a time, which is given as if it were UTC. A time that clocks skip in spring
 * counts on with the offset before; of the two that they show in autumn it is the first.
 */
export function fromLocal(localMs: number, zone: TimeZone): number {
  const before = zone.offsetAt(localMs - DAY_MS);
  const after = zone.offsetAt(localMs + DAY_MS);
  const early = localMs - before;
  if (before === after || zone.offsetAt(early) === before) return early;
  return zone.offsetAt(localMs - after) === after ? localMs - after : early;
}

/** Option: a time zone by its IANA name. */
export const timeZone = () =>
  z
    .string()
    .min(1)
    .superRefine((name, ctx) => {
      try {
        createTimeZone(name);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const message = "no such time zone; expected a name like Europe/Berlin, or an offset like +05:30";
        ctx.addIssue({ code: "custom", message });
      }
    });
