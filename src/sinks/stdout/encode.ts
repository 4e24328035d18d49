import type { LogRecord, RecordOrigin, Severity } from "../../core/record.ts";
import type { Resource } from "../../core/sink.ts";
import { isoTimestamp } from "../timestamp.ts";

/** Short name of a severity number. Source: OpenTelemetry logs data model, "Displaying severity". */
export function severityName({ number }: Severity): string {
  if (number <= 4) return "TRACE";
  if (number <= 8) return "DEBUG";
  if (number <= 12) return "INFO";
  if (number <= 16) return "WARN";
  return number <= 20 ? "ERROR" : "FATAL";
}

/** The resource under its names in the OpenTelemetry semantic conventions. */
const resourceAttributes = ({ service, env, version, host, attributes }: Resource) => ({
  "service.name": service,
  "deployment.environment.name": env,
  "service.version": version,
  "host.name": host,
  ...attributes,
});

/**
 * A validated JSON object on one line. Outside of strings, where JSON allows no raw line break, a line break is only
 * space between tokens.
 */
function onOneLine(json: string): string {
  return json.includes("\n") || json.includes("\r") ? json.replace(/[\r\n]+/g, " ").trim() : json;
}

function encodeRecord(record: LogRecord, tail: string): string {
  const { timestamp, severity, isObject } = record.fields;
  const iso = timestamp === undefined ? undefined : isoTimestamp(timestamp);
  const time = iso === undefined ? "null" : `"${iso}"`;
  const level = severity === undefined ? "null" : `"${severityName(severity)}"`;
  const own = isObject === true ? onOneLine(record.body) : "{}";
  const split = record.split === undefined ? "" : `,"split":"${record.split}"`;
  const head = `{"timestamp":${time},"severity":${level},"message":${JSON.stringify(record.message)}`;
  return `${head},"attributes":${own}${tail}${record.offset}${split}}\n`;
}

/**
 * Encodes NDJSON, one object a line: `timestamp` (ISO 8601 in UTC with 3, 6 or 9 decimals, or null), `severity` (short
 * name, or null), `message`, `attributes` (the line's own object, or `{}`), `resource`, `file`, `offset` (of the record's
 * first byte) and, for a part of a longer line only, `split` (`first`, `middle`, `last`).
 *
 * A body that was validated whole as a JSON object is put in as it stands; all other text is escaped.
 */
export function createNdjsonEncoder(resource: Resource): (records: readonly LogRecord[]) => string {
  const about = JSON.stringify(resourceAttributes(resource));
  // By file, and gone with it: as bounded as the files that are followed.
  const tails = new WeakMap<RecordOrigin, string>();

  const tailOf = (origin: RecordOrigin): string => {
    let tail = tails.get(origin);
    if (tail === undefined) {
      tail = `,"resource":${about},"file":${JSON.stringify(origin.path)},"offset":`;
      tails.set(origin, tail);
    }
    return tail;
  };

  return (records) => {
    let text = "";
    let origin: RecordOrigin | undefined;
    let tail = "";
    for (const record of records) {
      if (record.origin !== origin) {
        origin = record.origin;
        tail = tailOf(origin);
      }
      text += encodeRecord(record, tail);
    }
    return text;
  };
}

/** Encodes the bodies as they are, each with a line feed. */
export function encodeRaw(records: readonly LogRecord[]): string {
  let text = "";
  for (const record of records) text += `${record.body}\n`;
  return text;
}
