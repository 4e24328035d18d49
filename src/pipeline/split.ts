import { LogRecord, type SplitMark } from "../core/record.ts";
import type { Sink } from "../core/sink.ts";

/**
 * The most bytes that one UTF-16 unit of text takes once it is encoded: escaped (`\u0000`), and again as an attribute that
 * its format found, with quotes and a name of its own.
 */
const MAX_ESCAPED_BYTES = 16;

/** Envelope and metadata around the text, at most. */
const ENVELOPE_BYTES = 16 * 1_024;

/** Whether a record could be over the sink's limit once it is encoded. Cheap; nearly always false. */
export const mayExceed = (record: LogRecord, { maxRecordBytes }: Sink["limits"]): boolean =>
  record.textLength * MAX_ESCAPED_BYTES + ENVELOPE_BYTES > maxRecordBytes;

/**
 * Cuts a record that is over the sink's limit once it is encoded into marked parts that are not. `measure` gives the
 * encoded size of a record, bytes.
 */
export function fitRecord(
  record: LogRecord,
  limits: Sink["limits"],
  measure: (record: LogRecord) => number,
): readonly LogRecord[] {
  if (record.textLength <= 2 || !mayExceed(record, limits) || measure(record) <= limits.maxRecordBytes) return [record];
  return halve(record).flatMap((half) => fitRecord(half, limits, measure));
}

/** Two halves, cut at a character's border. They share the time and severity of the whole; the first one owns its bytes. */
function halve(record: LogRecord): readonly LogRecord[] {
  const { body, offset, length, origin, split, fields } = record;
  const middle = body.length >> 1;
  const cut = isHighSurrogate(body.charCodeAt(middle - 1)) ? middle - 1 : middle;
  const part = (text: string, bytes: number, mark: SplitMark): LogRecord =>
    new LogRecord(
      text,
      offset,
      bytes,
      origin,
      () => ({ timestamp: fields.timestamp, severity: fields.severity }),
      mark,
    );
  return [
    part(body.slice(0, cut), length, split === "middle" || split === "last" ? "middle" : "first"),
    part(body.slice(cut), 0, split === "first" || split === "middle" ? "middle" : "last"),
  ];
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
