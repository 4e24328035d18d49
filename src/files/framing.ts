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
  /** Whether blank lines are told of too: within a record of several lines they are content. */
  readonly blanks?: boolean;
  /** False for another encoding that has ASCII in it, in which no byte below 0x30 is a part of another character. */
  readonly isUtf8?: boolean;
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
      const end =
        (options.isUtf8 ?? true)
          ? characterBorder(bytes, start + maxRecordBytes, start)
          : asciiBorder(bytes, start + maxRecordBytes, start);
      onFrame(start, end, end, inLine ? "middle" : "first");
      inLine = true;
      start = end;
    }
    if (newline === -1 && !options.final) return start;
    const end = newline === -1 ? bytes.length : newline + 1;
    if (contentEnd > start || (options.blanks === true && !inLine))
      onFrame(start, contentEnd, end, inLine ? "last" : undefined);
    inLine = false;
    start = end;
  }
  return start;
}

/** As `frameLines`, for UTF-16. The bytes begin at the border of a unit. */
export function frameWideLines(bytes: Buffer, bigEndian: boolean, options: FramingOptions, onFrame: OnFrame): number {
  const max = Math.max(4, options.maxRecordBytes & ~1);
  const whole = bytes.length & ~1;
  let start = 0;
  let inLine = options.continued;
  while (start < whole) {
    const newline = wideLineFeed(bytes, start, bigEndian);
    const lineEnd = newline === -1 ? whole : newline;
    const hasCr = lineEnd > start && unitAt(bytes, lineEnd - 2, bigEndian) === CR;
    const contentEnd = hasCr && !(newline === -1 && options.final) ? lineEnd - 2 : lineEnd;
    while (contentEnd - start > max) {
      const end = start + max - (isHighSurrogate(unitAt(bytes, start + max - 2, bigEndian)) ? 2 : 0);
      onFrame(start, end, end, inLine ? "middle" : "first");
      inLine = true;
      start = end;
    }
    if (newline === -1 && !options.final) return start;
    // Half a unit at the very end of a file is shown as what it is: U+FFFD.
    const end = newline === -1 ? bytes.length : newline + 2;
    if (contentEnd > start || (options.blanks === true && !inLine))
      onFrame(start, newline === -1 ? end : contentEnd, end, inLine ? "last" : undefined);
    inLine = false;
    start = end;
  }
  if (!options.final || start === bytes.length) return start;
  onFrame(start, bytes.length, bytes.length, inLine ? "last" : undefined);
  return bytes.length;
}

const unitAt = (bytes: Buffer, at: number, bigEndian: boolean): number =>
  bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/** The next line feed at the border of a unit: U+0A00 and the like have the same bytes, elsewhere. */
function wideLineFeed(bytes: Buffer, start: number, bigEndian: boolean): number {
  for (let at = start; ; at += 1) {
    at = bytes.indexOf(LF, at);
    if (at === -1) return -1;
    const unit = (at - start) % 2 === 0 ? at : at - 1;
    if (unit + 1 < bytes.length && unitAt(bytes, unit, bigEndian) === LF) return unit;
  }
}

/** The last border of a UTF-8 character at or before `end`; `end` itself if the bytes are not UTF-8 there. */
function characterBorder(bytes: Buffer, end: number, start: number): number {
  for (let border = end; border > Math.max(start, end - 4); border -= 1) {
    if (((bytes[border] ?? 0) & 0xc0) !== 0x80) return border;
  }
  return end;
}

/** How far a border between characters is looked for, where only white space, digits and the like tell one. */
const ASCII_REACH = 1_024;

/** The last place at or before `end` behind a byte that is a character by itself in every encoding; else `end`. */
function asciiBorder(bytes: Buffer, end: number, start: number): number {
  for (let border = end; border > Math.max(start, end - ASCII_REACH); border -= 1) {
    if ((bytes[border - 1] ?? 0) < 0x30) return border;
  }
  return end;
}
