import { frameLines } from "../../src/files/framing.ts";
import { joinLines, type JoinLimits } from "../../src/reading/joining.ts";
import { LineTable } from "../../src/reading/line-table.ts";
import { encodingOf } from "../../src/reading/encoding.ts";
import type { Extent } from "../../src/records/multiline/lines.ts";
import { mayBeHeader } from "../../src/records/multiline/shapes.ts";

export const GENEROUS: JoinLimits = { maxLines: 10_000, maxRecordBytes: 900_000 };

export interface Joined {
  readonly records: readonly string[];
  /** Lines at the end that wait for what may follow. */
  readonly waiting: number;
}

/** Joins lines as the reader does: through their bytes. */
export function join(
  lines: readonly string[],
  extent: Extent,
  { flush = true, limits = GENEROUS, byShape = true } = {},
): Joined {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const table = new LineTable(bytes, {
    encoding: { ...encodingOf("utf-8"), frame: frameLines },
    maxText: byShape ? 2_048 : Number.POSITIVE_INFINITY,
    anyLine: !byShape,
    isAscii: false,
    start: undefined,
    waits: mayBeHeader,
    maxRecordBytes: limits.maxRecordBytes,
    continued: false,
    final: false,
  });
  const records: string[] = [];
  const decided = joinLines(table, extent, limits, flush, (first, count) => {
    records.push(bytes.toString("utf8", table.starts[first], table.contentEnds[first + count - 1]));
  });
  return { records, waiting: table.count - decided };
}
