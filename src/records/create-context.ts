import { compileTimeFormat } from "../core/time-format.ts";
import { createTimeZone } from "../core/time-zone.ts";
import type { TimeContext } from "./time-context.ts";

/** What a source says about times. */
export interface TimeSettings {
  /** IANA name. */
  readonly timeZone?: string | undefined;
  /** Directives of strptime. */
  readonly timeFormat?: string | undefined;
}

/** Throws for settings that are none; the configuration was checked before. `reference` is as in `TimeContext`. */
export function createTimeContext(settings: TimeSettings): Omit<TimeContext, "reference"> {
  const { timeZone, timeFormat } = settings;
  return {
    zone: timeZone === undefined ? undefined : createTimeZone(timeZone),
    read: timeFormat === undefined ? undefined : compileTimeFormat(timeFormat),
  };
}
