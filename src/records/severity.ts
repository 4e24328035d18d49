import type { JsonValue, Severity } from "../core/record.ts";

/** Names of severities in use, lower case, on the OpenTelemetry scale (lowest number of their range; syslog's own steps within). */
const BY_NAME: Readonly<Record<string, number>> = {
  trace: 1, finest: 1, silly: 1, verbose: 5, finer: 2, fine: 5,
  debug: 5, config: 6,
  info: 9, information: 9, informational: 9, http: 9, log: 9, notice: 10, success: 9,
  warn: 13, warning: 13,
  error: 17, err: 17, severe: 17,
  critical: 18, crit: 18, alert: 19, fatal: 21, panic: 21, emergency: 21, emerg: 21,
}; // prettier-ignore

/** The numbers of pino and bunyan: 10 trace to 60 fatal. */
const BY_PINO_NUMBER: Readonly<Record<number, number>> = { 10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21 };

/** No severity has a longer name; a longer string is not looked at. */
const MAX_NAME = 16;

/** The severity a field holds: a name in any case, or a number of pino and bunyan. Undefined for anything else. */
export function parseSeverity(value: JsonValue | undefined): Severity | undefined {
  if (typeof value === "string" && value.length <= MAX_NAME) {
    const number = BY_NAME[value.toLowerCase()];
    return number === undefined ? undefined : { number, text: value };
  }
  if (typeof value !== "number") return undefined;
  const number = BY_PINO_NUMBER[value];
  return number === undefined ? undefined : { number, text: String(value) };
}
