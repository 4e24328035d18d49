import { isAscii, isUtf8 } from "node:buffer";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Position } from "../core/checkpoint.ts";
import { describeError } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { TAIL_BYTES, tailMarker } from "../core/position.ts";
import type { ReadResult, RecordReader } from "../core/reading.ts";
import { LogRecord } from "../core/record.ts";
import { Segment } from "../core/segment.ts";
import { TextPage } from "../core/text-page.ts";
import type { RecordTransformer } from "../core/transform.ts";
import { frameLines } from "../files/framing.ts";
import { fingerprintOf } from "../files/identity.ts";
import type { LogFile } from "../files/log-file.ts";
import { SegmentCache } from "./cache.ts";
import { FileParsers } from "./parsers.ts";
import { transformSegment } from "./transforming.ts";

/** The grid at which segments end, bytes. Large enough that a read's cost vanishes, small enough to be shared from a small cache. */
const GRID_BYTES = 256 * 1_024;

/** A border closer than this is passed over: it would cost a read for a few lines. */
const NEAR_BYTES = GRID_BYTES / 8;

export interface ReaderOptions {
  /** Opens a file that was closed for want of descriptors. */
  readonly reopen: (file: LogFile) => Promise<boolean>;
  readonly emit: Emit;
  /** Keeps in the checkpoint what `auto` decided about a file. */
  readonly remember: (file: LogFile) => void;
  readonly pool: BufferPool;
  /** By the names of the sources whose records are transformed; without it none are. */
  readonly transformers?: ReadonlyMap<string, RecordTransformer>;
  /** Bound of the segments kept for sharing, bytes of memory. */
  readonly cacheBytes: number;
}

/** What reading a segment takes. */
interface Parts extends ReaderOptions {
  readonly parsers: FileParsers;
}

/** The read side: turns positions in files into segments of records, and keeps the latest for the other sinks. */
export class SegmentReader implements RecordReader<LogFile> {
  readonly #options: Parts;
  readonly #cache: SegmentCache;
  readonly #unreadable = new WeakMap<LogFile, string>();

  constructor(options: ReaderOptions) {
    this.#options = { ...options, parsers: new FileParsers({ emit: options.emit, decided: options.remember }) };
    this.#cache = new SegmentCache(options.cacheBytes);
  }

  read(file: LogFile, position: Position, final: boolean): Promise<ReadResult> {
    const load = (): Promise<ReadResult> => this.#load(file, position, final);
    // A final read sees the end of the file as it is at this moment; it is rare and not worth sharing.
    return final ? load() : this.#cache.get(`${file.id}:${position.offset}`, load);
  }

  async #load(file: LogFile, position: Position, final: boolean): Promise<ReadResult> {
    try {
      if (!(await this.#options.reopen(file))) return { kind: "unreadable" };
      const result = await readSegment(file, position, final, this.#options);
      this.#unreadable.delete(file);
      const transformer = this.#options.transformers?.get(file.source.name);
      if (transformer === undefined || result.kind !== "segment") return result;
      const read = (from: Position): Promise<ReadResult> => readSegment(file, from, false, this.#options);
      return { kind: "segment", segment: await transformSegment(result.segment, file, transformer, read) };
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

async function readSegment(file: LogFile, position: Position, final: boolean, options: Parts): Promise<ReadResult> {
  const { offset } = position;
  const lead = Math.min(TAIL_BYTES, offset);
  // A longer line is cut into pieces, so at most this many bytes hold one whole record.
  const enough = offset + file.source.maxRecordBytes + 2;
  for (let border = borderAfter(offset); ; border += GRID_BYTES) {
    const end = Math.min(border, file.size);
    const buffer = options.pool.take(Math.max(end - offset, 0) + lead);
    const bytes = await file.read(offset - lead, buffer);
    const reachedEnd = bytes === undefined || bytes.length < buffer.length || end === file.size;
    const changed = bytes !== undefined && !stands(file, position, bytes, lead);
    const segment =
      bytes === undefined || changed ? undefined : decode(file, bytes, lead, offset, final && reachedEnd, options);
    if (segment !== undefined && segment.end > offset) return { kind: "segment", segment };
    options.pool.give(buffer);
    if (bytes === undefined) return { kind: "unreadable" };
    if (changed) return { kind: "changed" };
    if (reachedEnd) return { kind: "atEnd" };
    if (border > enough) throw new Error(`no record within ${border - offset} bytes at offset ${offset}`);
  }
}

/**
 * Whether the file still has the bytes before the position, of which `lead` are in front of those that were read. Before
 * its beginning there are none: there it must begin as it did.
 */
function stands({ identity }: LogFile, position: Position, bytes: Buffer, lead: number): boolean {
  if (lead > 0) return bytes.length >= lead && tailMarker(bytes.subarray(0, lead)) === position.tail;
  const { head } = identity;
  return bytes.length < head.length || fingerprintOf(bytes.subarray(0, head.length)).hash === head.hash;
}

/** A byte order mark at the beginning of a file is no part of its first line. */
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

const bomLength = (bytes: Buffer, offset: number): number =>
  offset === 0 && bytes.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;

function decode(file: LogFile, bytes: Buffer, lead: number, offset: number, final: boolean, options: Parts): Segment {
  const skipped = bomLength(bytes, offset);
  const content = bytes.subarray(lead + skipped);
  const base = offset + skipped;
  const continued = lead > 0 && bytes[lead - 1] !== 0x0a;
  const ascii = isAscii(content);
  // Text with invalid bytes is not what its bytes are: it has to be decoded.
  const page = ascii || isUtf8(content) ? new TextPage(content, base, ascii) : undefined;
  const records: LogRecord[] = [];
  const parse = options.parsers.of(file);
  const { origin, source } = file;
  const framing = { maxRecordBytes: source.maxRecordBytes, continued, final };
  const decided = frameLines(content, framing, (start, contentEnd, end, split) => {
    const text = page ?? content.toString("utf8", start, contentEnd);
    records.push(new LogRecord(text, base + start, end - start, origin, parse, split, end - contentEnd));
  });
  options.parsers.learn(file, records);
  const end = decided === 0 && !final ? offset : base + decided;
  return new Segment(offset, end, records, bytes.subarray(0, lead + end - offset), options.pool, page);
}
