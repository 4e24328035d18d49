import { LogRecord, type Parse, type SplitMark } from "../core/record.ts";
import type { TextPage } from "../core/text-page.ts";
import type { FramingOptions } from "../files/framing.ts";
import type { LogFile } from "../files/log-file.ts";
import type { Encoding } from "./encoding.ts";
import { joinLines } from "./joining.ts";
import { LineTable } from "./line-table.ts";
import type { JoinRule } from "./plan.ts";

/** A piece of a file whose lines are the application's own. */
export interface LineContent {
  readonly content: Buffer;
  /** Offset in the file of the first byte of the content. */
  readonly base: number;
  readonly file: LogFile;
  readonly parse: Parse | undefined;
  /** Set if the content is UTF-8: then the texts of records stand in it. */
  readonly page: TextPage | undefined;
  readonly isAscii: boolean;
  readonly encoding: Encoding;
  readonly framing: FramingOptions;
  /** Whether nothing more is awaited. */
  readonly flush: boolean;
}

interface JoiningContent extends LineContent {
  readonly rule: JoinRule;
}

export interface JoinedContent {
  readonly records: readonly LogRecord[];
  /** Offset in the content up to which they are decided, and up to which whole lines stand. */
  readonly decided: number;
  readonly framed: number;
  /** Whether a record has more lines than one. */
  readonly hasJoined: boolean;
}

/** The records of a content in which several lines may be one. */
export function joinContent(options: JoiningContent): JoinedContent {
  const { content, rule, flush, framing, encoding, isAscii } = options;
  const table = new LineTable(content, { ...rule, ...framing, encoding, isAscii });
  const records: LogRecord[] = [];
  let hasJoined = false;
  const open = joinLines(table, rule.extent, rule.limits, flush, (first, count, cut) => {
    hasJoined ||= count > 1;
    records.push(recordOf(options, table, first, count, cut));
  });
  return { records, decided: table.starts[open] ?? table.decided, framed: table.decided, hasJoined };
}

function recordOf(
  { base, content, encoding, file, page, parse }: LineContent,
  { starts, contentEnds, ends, splits }: LineTable,
  first: number,
  count: number,
  cut: SplitMark | undefined,
): LogRecord {
  const last = first + count - 1;
  const start = starts[first] ?? 0;
  const contentEnd = contentEnds[last] ?? 0;
  const end = ends[last] ?? 0;
  const split = cut ?? splits[first];
  const length = end - start;
  const isAsInFile = page !== undefined && (count === 1 || !hasReturn(content, start, contentEnd));
  if (isAsInFile) return new LogRecord(page, base + start, length, file.origin, parse, split, end - contentEnd);
  const text = encoding.decode(content.subarray(start, contentEnd));
  const joined = count === 1 ? text : text.replaceAll("\r\n", "\n");
  return new LogRecord(joined, base + start, length, file.origin, parse, split);
}

/** Whether lines end with CRLF, which within a record is a line feed. */
const hasReturn = (bytes: Buffer, start: number, end: number): boolean => bytes.subarray(start, end).includes(0x0d);
