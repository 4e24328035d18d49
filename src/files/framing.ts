import type { SplitMark } from "../core/record.ts";

const LF = 0x0a;
const CR = 0x0d;

/**
 * Told of each frame: a run of bytes that is one record, or one piece of a line too long to be one. Offsets are in the
 * buffer: where it starts, where its text ends (before the line terminator), where the next frame starts. Plain numbers,
 * because this is called for each line there is.
 */
export type OnFrame = (start: number, contentEnd: number, end: number, split: SplitMark | undefined) => void;

export interface FramingOptions {
  /** A line of more bytes is cut into pieces of at most so many. */
  readonly maxRecordBytes: number;
  /** Whether the bytes begin in the middle of a line, of which earlier pieces were framed already. */
  readonly continued: boolean;
  /** Whether no byte can follow: then what stands after the last line feed is a line too. */
  readonly final: boolean;
}

/**
 * Cuts bytes into lines at LF and CRLF. Calls `onFrame` for each non-blank line in order and returns the offset after the
 * last byte that is decided: what follows is the beginning of a line whose end is not there yet.
 * Framing is on bytes, so that offsets are exact whatever the bytes mean. A piece of a long line ends at a UTF-8
 * character's border.
 */
export function frameLines(bytes: Buffer, options: FramingOptions, onFrame: OnFrame): number {
  const { maxRecordBytes } = options;
  let start = 0;
  let inLine = options.continued;
  while (start < bytes.length) {
    const newline = bytes.indexOf(LF, start);
    const lineEnd = newline === -1 ? bytes.length : newline;
    const hasCr = lineEnd > start && bytes[lineEnd - 1] === CR;
    // A CR at the end of what is there may belong to the line's end, which is not part of its text.
    const contentEnd = hasCr && !(newline === -1 && options.final) ? lineEnd - 1 : lineEnd;
    while (contentEnd - start > maxRecordBytes) {
      const end = characterBorder(bytes, start + maxRecordBytes, start);
      onFrame(start, end, end, inLine ? "middle" : "first");
      inLine = true;
      start = end;
    }
    if (newline === -1 && !options.final) return start;
    const end = newline === -1 ? bytes.length : newline + 1;
    if (contentEnd > start) onFrame(start, contentEnd, end, inLine ? "last" : undefined);
    inLine = false;
    start = end;
  }
  return start;
}

/** The last border of a UTF-8 character at or before `end`; `end` itself if the bytes are not UTF-8 there. */
function characterBorder(bytes: Buffer, end: number, start: number): number {
  for (let border = end; border > Math.max(start, end - 4); border -= 1) {
    if (((bytes[border] ?? 0) & 0xc0) !== 0x80) return border;
  }
  return end;
}
