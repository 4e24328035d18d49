import { LogRecord, type Parse, type SplitMark } from "../core/record.ts";
import type { TextPage } from "../core/text-page.ts";
import type { FramingOptions } from "../files/framing.ts";
import type { LogFile } from "../files/log-file.ts";
import type { Encoding } from "./encoding.ts";
import { joinLines } from "./joining.ts";
import { LineTable } from "./line-table.ts";
import type { JoinPlan } from "./plan.ts";

export interface Content {
  readonly content: Buffer;
  /** Offset in the file of the first byte of the content. */
  readonly base: number;
  readonly file: LogFile;
  readonly parse: Parse | undefined;
  /** Set if the content is UTF-8: then the texts of records stand in it. */
  readonly page: TextPage | undefined;
  readonly plan: JoinPlan;
  /** Whether nothing more is awaited. */
  readonly flush: boolean;
  readonly framing: FramingOptions;
  readonly encoding: Encoding;
}

/** The records of a content in which several lines may be one, and the offset in it up to which they are decided. */
export function joinContent(options: Content): { readonly records: LogRecord[]; readonly decided: number } {
  const { content, plan, flush, framing, encoding } = options;
  const table = new LineTable(content, { ...plan, ...framing, encoding });
  const records: LogRecord[] = [];
  const open = joinLines(table, plan.extent, plan.limits, flush, (first, count, cut) => {
    records.push(recordOf(options, table, first, count, cut));
  });
  return { records, decided: table.starts[open] ?? table.decided };
}

function recordOf(
  { base, content, encoding, file, page, parse }: Content,
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
