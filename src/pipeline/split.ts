import { LogRecord, type RecordPart, type SplitMark } from "../core/record.ts";
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

/** Marks that take as much room as any. */
const WIDEST: RecordPart = { part: 999_999_999, parts: 999_999_999, originalBytes: 999_999_999_999 };

/**
 * Cuts a record that is over the sink's limit once it is encoded into marked parts that are not, at borders of characters.
 * They share the time and severity of the whole; the first one owns its bytes. `measure` gives the encoded size of a
 * record, bytes.
 */
export function fitRecord(
  record: LogRecord,
  limits: Sink["limits"],
  measure: (record: LogRecord) => number,
): readonly LogRecord[] {
  const { maxRecordBytes } = limits;
  if (record.textLength <= 2 || !mayExceed(record, limits) || measure(record) <= maxRecordBytes) return [record];
  const fits = (text: string): boolean =>
    text.length <= 2 || measure(partOf(record, text, "middle", WIDEST)) <= maxRecordBytes;
  const { body } = record;
  const texts = halve(body).flatMap((half) => cut(half, fits));
  const originalBytes = Buffer.byteLength(body);
  return texts.map((text, index) => {
    const mark = markOf(record.split, index, texts.length);
    return partOf(record, text, mark, { part: index + 1, parts: texts.length, originalBytes });
  });
}

const cut = (text: string, fits: (text: string) => boolean): readonly string[] =>
  text === "" ? [] : fits(text) ? [text] : halve(text).flatMap((half) => cut(half, fits));

function halve(text: string): readonly [string, string] {
  const middle = text.length >> 1;
  const end = isHighSurrogate(text.charCodeAt(middle - 1)) ? middle - 1 : middle;
  return [text.slice(0, end), text.slice(end)];
}

/** A part of what is a piece of a longer line already is marked within that. */
function markOf(whole: SplitMark | undefined, index: number, parts: number): SplitMark {
  if (index === 0) return whole === "middle" || whole === "last" ? "middle" : "first";
  if (index === parts - 1) return whole === "first" || whole === "middle" ? "middle" : "last";
  return "middle";
}

function partOf(record: LogRecord, text: string, mark: SplitMark, part: RecordPart): LogRecord {
  const { offset, length, origin } = record;
  const { timestamp, severity } = record.fields;
  return new LogRecord(text, offset, part.part === 1 ? length : 0, origin, () => ({ timestamp, severity, part }), mark);
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
