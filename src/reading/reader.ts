import { crc32 } from "node:zlib";
import { isAscii } from "node:buffer";
import type { Position } from "../core/checkpoint.ts";
import { describeError } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { LogRecord, type Parse } from "../core/record.ts";
import { frameLines } from "../files/framing.ts";
import { TAIL_BYTES } from "../files/identity.ts";
import type { LogFile } from "../files/log-file.ts";
import { detectFormat, formats, undecided } from "../records/formats/registry.ts";
import { SegmentCache } from "./cache.ts";
import type { Segment } from "./segment.ts";

/** The grid at which segments end, bytes. Large enough that a read's cost vanishes, small enough to be shared from a small cache. */
const GRID_BYTES = 512 * 1_024;

/** A border closer than this is passed over: it would cost a read for a few lines. */
const NEAR_BYTES = GRID_BYTES / 8;

export type ReadResult =
  | { readonly kind: "segment"; readonly segment: Segment }
  /** No whole line after the position. `partialBytes` stand there without a line's end. */
  | { readonly kind: "atEnd"; readonly partialBytes: number }
  /** The bytes before the position are not those that were read: truncated and written anew. */
  | { readonly kind: "changed" }
  /** It could not be read now. The reason was reported. */
  | { readonly kind: "unreadable" };

export interface ReaderOptions {
  /** Opens a file that was closed for want of descriptors. */
  readonly reopen: (file: LogFile) => Promise<boolean>;
  readonly emit: Emit;
  /** Bound of the segments kept for sharing, bytes of memory. */
  readonly cacheBytes: number;
}

/** The read side: turns positions in files into segments of records, and keeps the latest for the other sinks. */
export class SegmentReader {
  readonly #options: ReaderOptions;
  readonly #cache: SegmentCache<ReadResult>;
  readonly #unreadable = new Map<LogFile, string>();

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#cache = new SegmentCache(options.cacheBytes);
  }

  /**
   * Reads from a position to the next border, or to the last whole line. With `final`, what stands after the last line
   * feed is a line too. Sinks that ask for the same place at the same time share one read.
   */
  read(file: LogFile, position: Position, final = false): Promise<ReadResult> {
    const load = (): Promise<ReadResult> => this.#load(file, position, final);
    // A final read sees the end of the file as it is at this moment; it is rare and not worth sharing.
    return final ? load() : this.#cache.get(`${file.id}:${position.offset}`, load);
  }

  /** The file as it was read is no more: a segment of it must not serve a position in what takes its place. */
  forget(file: LogFile): void {
    this.#unreadable.delete(file);
    this.#cache.dropPrefix(`${file.id}:`);
  }

  async #load(file: LogFile, position: Position, final: boolean): Promise<ReadResult> {
    try {
      if (!(await this.#options.reopen(file))) return { kind: "atEnd", partialBytes: 0 };
      const result = await readSegment(file, position, final, this.#options.emit);
      this.#unreadable.delete(file);
      return result;
    } catch (error) {
      const reason = describeError(error);
      if (this.#unreadable.get(file) !== reason)
        this.#options.emit({ kind: "file.unreadable", path: file.path, reason });
      this.#unreadable.set(file, reason);
      return { kind: "unreadable" };
    }
  }
}

/** The offset at which a read from `offset` ends, unless a line is longer. */
function borderAfter(offset: number): number {
  const border = (Math.floor(offset / GRID_BYTES) + 1) * GRID_BYTES;
  return border - offset < NEAR_BYTES ? border + GRID_BYTES : border;
}

async function readSegment(file: LogFile, position: Position, final: boolean, emit: Emit): Promise<ReadResult> {
  const { offset } = position;
  const { maxRecordBytes } = file.source;
  const lead = Math.min(TAIL_BYTES, offset);
  // A longer line is cut into pieces, so at most this many bytes hold one whole record.
  const enough = offset + maxRecordBytes + 2;
  for (let border = borderAfter(offset); ; border += GRID_BYTES) {
    const end = Math.min(border, file.size);
    const bytes = await file.read(offset - lead, Math.max(end - offset, 0) + lead);
    if (bytes === undefined) return { kind: "unreadable" };
    if (bytes.length < lead || (lead > 0 && crc32(bytes.subarray(0, lead)) !== position.tail))
      return { kind: "changed" };
    const reachedEnd = offset - lead + bytes.length < border || end === file.size;
    const segment = decode(file, bytes, lead, offset, final && reachedEnd, emit);
    if (segment.end > offset) return { kind: "segment", segment };
    if (reachedEnd) return { kind: "atEnd", partialBytes: bytes.length - lead };
    if (border > enough) throw new Error(`no record within ${border - offset} bytes at offset ${offset}`);
  }
}

function decode(file: LogFile, bytes: Buffer, lead: number, offset: number, final: boolean, emit: Emit): Segment {
  const content = bytes.subarray(lead);
  const continued = lead > 0 && bytes[lead - 1] !== 0x0a;
  // Whatever the bytes, latin1 and UTF-8 decode ASCII alike, and latin1 is the faster.
  const encoding = isAscii(content) ? "latin1" : "utf8";
  const records: LogRecord[] = [];
  const parse = parserOf(file);
  const { origin, source } = file;
  const decided = frameLines(content, { maxRecordBytes: source.maxRecordBytes, continued, final }, (frame) => {
    const body = content.toString(encoding, frame.start, frame.contentEnd);
    records.push(new LogRecord(body, offset + frame.start, frame.end - frame.start, origin, parse, frame.split));
  });
  if (source.format === "auto" && file.format === undefined) decideFormat(file, records, emit);
  return { start: offset, end: offset + decided, records, bytes: bytes.subarray(0, lead + decided), lead };
}

const parserOf = (file: LogFile): Parse =>
  formats[file.source.format === "auto" ? (file.format ?? "") : file.source.format] ?? undecided;

function decideFormat(file: LogFile, records: readonly LogRecord[], emit: Emit): void {
  const format = detectFormat(records.slice(0, 100).map(({ body }) => body));
  if (format === undefined) return;
  file.format = format;
  emit({ kind: "file.format", path: file.path, format });
}
