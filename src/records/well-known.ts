import type { JsonObject, JsonValue, ParsedFields, Severity } from "../core/record.ts";
import { parsePythonLevel, parseSeverity } from "./severity.ts";
import type { TimeContext } from "./time-context.ts";
import { parseTimestamp } from "./timestamp.ts";

// The first of these names that a line has is taken. They are those that pino, winston, bunyan, logrus, zap, slog,
// logback, python-json-logger, Serilog and the vendors' own remappers use.
const names = (text: string): readonly string[] => text.split(" ");
const TIME_NAMES = names("timestamp time @timestamp ts date @t _timestamp Timestamp eventTime datetime asctime");
const SEVERITY_NAMES = names("level severity levelname lvl log.level @l loglevel log_level level_value PRIORITY");
/** A name for other things too: a number under it is an HTTP status or an exit code. */
const AMBIGUOUS_NAMES = ["status"];
const PYTHON_NAMES = ["levelno"];
const MESSAGE_NAMES = ["message", "msg", "@m", "log", "event"];

/** What `parse` makes of the first of these fields that it can read; its name is added to `taken`. */
function firstOf<T>(
  object: JsonObject,
  names: readonly string[],
  parse: (value: JsonValue | undefined, context: TimeContext) => T | undefined,
  context: TimeContext,
  taken: Set<string> | undefined,
): T | undefined {
  for (const name of names) {
    const value = object[name];
    if (value === undefined) continue;
    const parsed = parse(value, context);
    if (parsed === undefined) continue;
    taken?.add(name);
    return parsed;
  }
  return undefined;
}

const textOf = (value: JsonValue | undefined): string | undefined => (typeof value === "string" ? value : undefined);

const parseName = (value: JsonValue | undefined): Severity | undefined =>
  typeof value === "string" && !/^\d/.test(value) ? parseSeverity(value) : undefined;

/**
 * Message, time and severity among fields of the application's choice, as far as they can be read. `taken` learns which
 * fields they were.
 */
export function findKnown(object: JsonObject, context: TimeContext, taken?: Set<string>): ParsedFields {
  return {
    message: firstOf(object, MESSAGE_NAMES, textOf, context, taken),
    timestamp: firstOf(object, TIME_NAMES, parseTimestamp, context, taken),
    severity:
      firstOf(object, SEVERITY_NAMES, parseSeverity, context, taken) ??
      firstOf(object, AMBIGUOUS_NAMES, parseName, context, taken) ??
      firstOf(object, PYTHON_NAMES, parsePythonLevel, context, taken),
  };
}

/**
 * Fields of a body that is no JSON object: the well-known ones, and all others as attributes. A time or a severity that
 * can't be read, or is implausible, stays there for all to see.
 */
export function toFields(object: JsonObject, context: TimeContext): ParsedFields {
  const taken = new Set<string>();
  const known = findKnown(object, context, taken);
  const attributes = Object.fromEntries(Object.entries(object).filter(([name]) => !taken.has(name)));
  return { ...known, attributes };
}
