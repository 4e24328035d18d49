import type { JsonValue, Severity } from "../core/record.ts";

/** Names of severities in use, on the OpenTelemetry scale: lowest number of their range, with syslog's own steps within. */
const NUMBERS: Readonly<Record<number, string>> = {
  1: "trace finest silly",
  2: "finer",
  5: "debug fine verbose",
  6: "config",
  9: "info information informational http log success",
  10: "notice",
  13: "warn warning",
  17: "error err severe",
  18: "critical crit",
  19: "alert",
  21: "fatal panic emergency emerg",
};

/** The numbers of pino and bunyan: 10 trace to 60 fatal. */
const PINO: readonly (readonly [text: string, number: number])[] = [
  ["10", 1],
  ["20", 5],
  ["30", 9],
  ["40", 13],
  ["50", 17],
  ["60", 21],
];

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

const byPinoNumber = new Map(PINO.map(([text, number]) => [Number(text), { number, text }]));

/** No severity has a longer name; a longer string is not looked at. */
const MAX_NAME = 16;

/** The severity a field holds: a name in any case, or a number of pino and bunyan. Undefined for anything else. */
export function parseSeverity(value: JsonValue | undefined): Severity | undefined {
  if (typeof value === "number") return byPinoNumber.get(value);
  if (typeof value !== "string" || value.length > MAX_NAME) return undefined;
  const severity = byText.get(value) ?? byText.get(value.toLowerCase());
  return severity === undefined || severity.text === value ? severity : { number: severity.number, text: value };
}
