import type { LogRecord, RecordOrigin, Severity } from "../../core/record.ts";
import type { BodyWriter, Resource, Sink } from "../../core/sink.ts";
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

/** A validated non-empty JSON object, with the members of another one before its own. */
const merged = (object: string, more: string): string =>
  more.length <= 2 ? object : `${more.slice(0, -1)},${object.trimStart().slice(1)}`;

/** What stands behind the message, up to the value of `offset`: with a record's own attributes, and without any. */
interface Tail {
  readonly own: string;
  readonly plain: string;
}

function encodeRecord(record: LogRecord, tail: Tail, body: BodyWriter): void {
  const { timestamp, severity, message, isObject, attributes, unparsed, part } = record.fields;
  const iso = timestamp === undefined ? undefined : isoTimestamp(timestamp);
  const time = iso === undefined ? "null" : `"${iso}"`;
  const level = severity === undefined ? "null" : `"${severityName(severity)}"`;
  const head = `{"timestamp":${time},"severity":${level},"message":`;
  const found = attributes === undefined ? "" : JSON.stringify(attributes);
  const own = isObject === true ? merged(onOneLine(record.body), found) : found;
  const behind = own === "" ? tail.plain : `,"attributes":${own}${tail.own}`;
  if (message === undefined) body.quoted(head, record, behind);
  else body.text(head + JSON.stringify(message) + behind);
  const split = record.split === undefined ? "" : `,"split":"${record.split}"`;
  const place = part === undefined ? "" : `,${JSON.stringify(part).slice(1, -1)}`;
  const mark = unparsed === undefined ? "" : `,"unparsed":"${unparsed}"`;
  body.text(`${record.offset}${split}${place}${mark}}\n`);
}

/**
 * Encodes NDJSON, one object a line: `timestamp` (ISO 8601 in UTC with 3, 6 or 9 decimals, or null), `severity` (short
 * name, or null), `message`, `attributes` (the line's own object, or what its format found), `resource`, `file`, `offset`
 * (of the record's first byte); for a part of a longer line only, `split` (`first`, `middle`, `last`), and `part`, `parts` and
 * `originalBytes` if it was cut for this sink's limit; and for a line that
 * is not of the format that its source names, that format as `unparsed`.
 *
 * A body that was validated whole as a JSON object is put in as it stands; all other text is escaped.
 */
export function createNdjsonEncoder(resource: Resource): Sink["encode"] {
  const about = JSON.stringify(resourceAttributes(resource));
  // By file, and gone with it: as bounded as the files that are followed.
  const tails = new WeakMap<RecordOrigin, Tail>();

  const tailOf = (origin: RecordOrigin): Tail => {
    let tail = tails.get(origin);
    if (tail === undefined) {
      const own = `,"resource":${about},"file":${JSON.stringify(origin.path)},"offset":`;
      tail = { own, plain: `,"attributes":{}${own}` };
      tails.set(origin, tail);
    }
    return tail;
  };

  return (records, body) => {
    let origin: RecordOrigin | undefined;
    let tail: Tail = { own: "", plain: "" };
    for (const record of records) {
      if (record.origin !== origin) {
        origin = record.origin;
        tail = tailOf(origin);
      }
      encodeRecord(record, tail, body);
    }
  };
}

/** Encodes the bodies as they are, each with a line feed. */
export const encodeRaw: Sink["encode"] = (records, body) => {
  for (const record of records) body.verbatim("", record, "\n");
};
