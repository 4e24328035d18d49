import type { SplitMark } from "../core/record.ts";
import type { Extent, Lines } from "../records/multiline/lines.ts";

/** Lines of one stream in their order, blank ones too. */
export interface JoinableLines {
  readonly count: number;
  /** As much of the text as the rule looks at, at most. */
  text(index: number): string;
  /** Bytes that a line takes in the file. */
  bytes(index: number): number;
  isBlank(index: number): boolean;
  /** Whether it is a piece of a line that was too long: such a piece is never joined. */
  isPiece(index: number): boolean;
  /** Whether a record of several lines may begin here. False spares the rule the look. */
  mayBegin(index: number): boolean;
}

export interface JoinLimits {
  readonly maxLines: number;
  readonly maxRecordBytes: number;
}

/** Told of each record: its first line, how many lines it has, and a mark if it was cut because it is over a limit. */
export type OnJoined = (first: number, count: number, split: SplitMark | undefined) => void;

/** No rule looks further than this beyond what it joins. */
const LOOKAHEAD = 128;

/** Lets a rule see lines, and notices when it asks for one that isn't there yet. */
class Window implements Lines {
  readonly #lines: JoinableLines;
  #limit = 0;
  /** Whether what the rule said may change with more lines. */
  hasAskedPast = false;

  constructor(lines: JoinableLines) {
    this.#lines = lines;
  }

  open(limit: number): void {
    this.#limit = limit;
    this.hasAskedPast = false;
  }

  text(index: number): string | undefined {
    if (index >= this.#limit) return undefined;
    if (index >= this.#lines.count) {
      this.hasAskedPast = true;
      return undefined;
    }
    return this.#lines.isPiece(index) ? undefined : this.#lines.text(index);
  }
}

/**
 * Joins lines to records by a rule. With `flush` nothing more is awaited. Returns the index of the first line whose record
 * may go on in lines that are not there yet: what follows is undecided.
 */
export function joinLines(
  lines: JoinableLines,
  extent: Extent,
  limits: JoinLimits,
  flush: boolean,
  onRecord: OnJoined,
): number {
  const window = new Window(lines);
  let from = 0;
  while (from < lines.count) {
    if (lines.isBlank(from)) {
      from += 1;
      continue;
    }
    let count = 1;
    let split: SplitMark | undefined;
    if (!lines.isPiece(from) && lines.mayBegin(from)) {
      window.open(from + limits.maxLines + LOOKAHEAD);
      const wanted = Math.max(1, extent(window, from));
      count = fitting(lines, from, wanted, limits);
      if (count < wanted) split = "first";
      else if (window.hasAskedPast && !flush) return from;
    }
    onRecord(from, withoutBlanks(lines, from, count), split);
    from += count;
  }
  return from;
}

/** How many of the lines are within the limits; at least one. */
function fitting(lines: JoinableLines, from: number, wanted: number, { maxLines, maxRecordBytes }: JoinLimits): number {
  const most = Math.min(wanted, maxLines);
  let bytes = lines.bytes(from);
  let count = 1;
  while (count < most) {
    bytes += lines.bytes(from + count);
    if (bytes > maxRecordBytes) break;
    count += 1;
  }
  return count;
}

/** Blank lines at a record's end are none of it. */
function withoutBlanks(lines: JoinableLines, from: number, count: number): number {
  let last = count;
  while (last > 1 && lines.isBlank(from + last - 1)) last -= 1;
  return last;
}
