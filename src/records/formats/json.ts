import { parseObject } from "../../core/json-object.ts";
import type { JsonObject, JsonValue, ParsedFields } from "../../core/record.ts";
import { parseSeverity } from "../severity.ts";
import { parseTimestamp } from "../timestamp.ts";
import { parseRaw } from "./raw.ts";

// The first of these names that a line has is taken. They are those that pino, winston, bunyan, logrus, zap, slog,
// logback, python-json-logger, Serilog and the vendors' own remappers use.
const TIME_NAMES = ["timestamp", "time", "@timestamp", "ts", "date", "@t", "_timestamp", "Timestamp", "eventTime"];
const SEVERITY_NAMES = ["level", "severity", "status", "levelname", "lvl", "log.level", "@l", "loglevel"];
const MESSAGE_NAMES = ["message", "msg", "@m", "log", "event"];

/** A JSON object a line. Anything else, damaged JSON too, is shipped as it stands. */
export function parseJson(body: string): ParsedFields {
  const object = parseObject(body);
  if (object === undefined) return parseRaw();
  return {
    message: firstString(object, MESSAGE_NAMES),
    timestamp: firstOf(object, TIME_NAMES, parseTimestamp),
    severity: firstOf(object, SEVERITY_NAMES, parseSeverity),
    isObject: true,
  };
}

function firstOf<T>(
  object: JsonObject,
  names: readonly string[],
  parse: (value: JsonValue | undefined) => T | undefined,
): T | undefined {
  for (const name of names) {
    const value = object[name];
    if (value === undefined) continue;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}

const firstString = (object: JsonObject, names: readonly string[]): string | undefined =>
  firstOf(object, names, (value) => (typeof value === "string" ? value : undefined));
