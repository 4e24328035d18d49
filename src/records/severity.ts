import type { JsonValue, Severity } from "../core/record.ts";

/**
 * Names of severities in use, on the OpenTelemetry scale: lowest number of their range, with syslog's own steps within.
 * Those of syslog, log4j, java.util.logging, winston, Python, Serilog, zap, Apache, PostgreSQL and klog (single letters).
 */
const NUMBERS: Readonly<Record<number, string>> = {
  1: "trace finest silly t trace1 trace2 trace3 trace4 trace5 trace6 trace7 trace8",
  2: "finer",
  5: "debug fine verbose d debug1 debug2 debug3 debug4 debug5",
  6: "config",
  9: "info information informational http log success i",
  10: "notice",
  13: "warn warning w",
  17: "error err severe e",
  18: "critical crit dpanic",
  19: "alert",
  21: "fatal panic emergency emerg f",
};

/** Of syslog's severities 0 to 7. Source: OpenTelemetry logs data model, "Mapping of SeverityNumber", Syslog. */
export const SYSLOG: readonly Severity[] = [
  { number: 21, text: "emerg" },
  { number: 19, text: "alert" },
  { number: 18, text: "crit" },
  { number: 17, text: "err" },
  { number: 13, text: "warning" },
  { number: 10, text: "notice" },
  { number: 9, text: "info" },
  { number: 5, text: "debug" },
];

/**
 * Numbers that mean the same wherever they stand: syslog's (GELF and journald have them in JSON), those of pino and bunyan,
 * and of log4j and logback.
 */
const ANYWHERE: readonly (readonly [value: number, number: number])[] = [
  ...SYSLOG.map(({ number }, value) => [value, number] as const),
  [10, 1],
  [20, 5],
  [30, 9],
  [40, 13],
  [50, 17],
  [60, 21],
  [5_000, 1],
  [10_000, 5],
  [20_000, 9],
  [30_000, 13],
  [40_000, 17],
  [50_000, 21],
];

/** Python's `levelno`, which has other meanings for pino's numbers. */
const PYTHON = new Map([
  [10, 5],
  [20, 9],
  [30, 13],
  [40, 17],
  [50, 18],
]);

/** Severities by the text they are written as, each one object for all records. */
const byText = new Map<string, Severity>();
for (const [number, names] of Object.entries(NUMBERS)) {
  for (const name of names.split(" ")) {
    // The ways in which loggers write them; any other mixture of cases is looked up in lower case.
    for (const text of [name, name.toUpperCase(), name.charAt(0).toUpperCase() + name.slice(1)]) {
      byText.set(text, { number: Number(number), text });
    }
  }
}

const bySharedNumber = new Map(ANYWHERE.map(([value, number]) => [value, { number, text: String(value) }]));

/** No severity has a longer name; a longer string is not looked at. */
const MAX_NAME = 16;

/** The severity a field holds: a name in any case, or a number of a well-known logger. Undefined for anything else. */
export function parseSeverity(value: JsonValue | undefined): Severity | undefined {
  if (typeof value === "number") return bySharedNumber.get(value);
  if (typeof value !== "string" || value.length > MAX_NAME) return undefined;
  const severity = byText.get(value) ?? byText.get(value.toLowerCase());
  if (severity === undefined) return /^(?:0|[1-9]\d{0,4})$/.test(value) ? bySharedNumber.get(Number(value)) : undefined;
  return severity.text === value ? severity : { number: severity.number, text: value };
}

/** The severity that Python's field `levelno` holds. */
export function parsePythonLevel(value: JsonValue | undefined): Severity | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const number = PYTHON.get(Number(value));
  return number === undefined ? undefined : { number, text: String(value) };
}
