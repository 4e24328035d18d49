/*
 * A long file: what one read does with the bytes at a position, and how often it has to be repeated, read best together.
 */
import { isAscii, isUtf8 } from "node:buffer";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Position } from "../core/checkpoint.ts";
import { describeError } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import type { Meter } from "../core/meter.ts";
import { TAIL_BYTES, tailMarker } from "../core/position.ts";
import type { ReadResult, RecordReader } from "../core/reading.ts";
import { Segment } from "../core/segment.ts";
import { TextPage } from "../core/text-page.ts";
import type { RecordTransformer } from "../core/transform.ts";
import { fingerprintOf } from "../files/identity.ts";
import type { LogFile } from "../files/log-file.ts";
import { SegmentCache } from "./cache.ts";
import { FileParsers } from "./parsers.ts";
import { transformSegment } from "./transforming.ts";
import { detectEncoding, type FileEncoding } from "./encoding.ts";
import { joinContainer } from "./join-container.ts";
import { LineReader } from "./line-records.ts";
import { type JoinPlan, planOf } from "./plan.ts";
import { FileStarts } from "./starts.ts";

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
  /** How many sinks share them. */
  readonly sinks: number;
  /** Counts what is read, where somebody wants to know. */
  readonly meter?: Meter | undefined;
}

/** What reading a segment takes. */
interface Parts extends ReaderOptions {
  readonly parsers: FileParsers;
  readonly starts: FileStarts;
  readonly lines: LineReader;
}

/** The read side: turns positions in files into segments of records, and keeps the latest for the other sinks. */
export class SegmentReader implements RecordReader<LogFile> {
  readonly #options: Parts;
  readonly #cache: SegmentCache;
  readonly #unreadable = new WeakMap<LogFile, string>();
  readonly #encodings = new WeakMap<LogFile, FileEncoding>();

  constructor(options: ReaderOptions) {
    const deciding = { emit: options.emit, decided: options.remember };
    const starts = new FileStarts(deciding);
    this.#options = { ...options, parsers: new FileParsers(deciding), starts, lines: new LineReader(starts) };
    this.#cache = new SegmentCache(options.cacheBytes, options.sinks);
  }

  read(file: LogFile, position: Position, final: boolean, flush = final): Promise<ReadResult> {
    const load = (): Promise<ReadResult> => this.#load(file, position, final, flush);
    // A final read sees the end of the file as it is at this moment; it is rare and not worth sharing.
    return flush ? load() : this.#cache.get(`${file.id}:${position.offset}`, load);
  }

  async readAgain(file: LogFile, from: Position, to: Position): Promise<ReadResult> {
    const result = await this.#load(file, from, true, true, to.offset);
    if (result.kind !== "segment") return result.kind === "unreadable" ? result : { kind: "changed" };
    const { segment } = result;
    if (segment.end === to.offset && segment.advance(from, segment.end).crc === to.crc) return result;
    segment.release();
    return { kind: "changed" };
  }

  #load(file: LogFile, position: Position, final: boolean, flush: boolean, until?: number): Promise<ReadResult> {
    return file.using(() => this.#loadOpen(file, position, final, flush, until));
  }

  async #loadOpen(
    file: LogFile,
    position: Position,
    final: boolean,
    flush: boolean,
    until: number | undefined,
  ): Promise<ReadResult> {
    try {
      if (!(await this.#options.reopen(file))) return { kind: "unreadable" };
      // It has grown since it was looked at: what seemed to be its end is none.
      if (flush && !final && !(await file.isOfKnownSize()))
        return { kind: "atEnd", wholeAtMs: Number.POSITIVE_INFINITY };
      const encoding = await this.#encodingOf(file);
      const result = await readSegment({ file, position, final, flush, until, ...encoding }, this.#options);
      this.#unreadable.delete(file);
      if (result.kind !== "segment") return result;
      const read = (from: Position): Promise<ReadResult> =>
        readSegment({ file, position: from, final: false, flush: true, ...encoding }, this.#options);
      const transformer = this.#options.transformers?.get(file.source.name);
      const framed = result.segment.records.length;
      const segment =
        transformer === undefined ? result.segment : await transformSegment(result.segment, file, transformer, read);
      this.#meter(file, segment, framed);
      return { kind: "segment", segment };
    } catch (error) {
      const reason = describeError(error);
      if (this.#unreadable.get(file) !== reason)
        this.#options.emit({ kind: "file.unreadable", path: file.path, reason });
      this.#unreadable.set(file, reason);
      return { kind: "unreadable" };
    }
  }

  #meter({ source }: LogFile, { start, end, records }: Segment, framed: number): void {
    // A throttle adds summaries of what it held back.
    const filteredRecords = Math.max(0, framed - records.length);
    this.#options.meter?.read({ source: source.name, bytes: end - start, records: records.length, filteredRecords });
  }

  /** By its first bytes, which stay what they are once they are there. */
  async #encodingOf(file: LogFile): Promise<FileEncoding> {
    const known = this.#encodings.get(file);
    if (known !== undefined) return known;
    const head = (await file.read(0, Buffer.alloc(MARK_BYTES))) ?? Buffer.alloc(0);
    const detected = detectEncoding(head, file.source.encoding ?? "utf-8");
    if (head.length === MARK_BYTES) this.#encodings.set(file, detected);
    return detected;
  }
}

/** The longest byte order mark. */
const MARK_BYTES = 3;

/** The offset at which a read from `offset` ends, unless a record is longer. */
function borderAfter(offset: number): number {
  const border = (Math.floor(offset / GRID_BYTES) + 1) * GRID_BYTES;
  return border - offset < NEAR_BYTES ? border + GRID_BYTES : border;
}

/** What is to be read, and as what. */
interface Reading extends FileEncoding {
  readonly file: LogFile;
  readonly position: Position;
  readonly final: boolean;
  readonly flush: boolean;
  /** Read exactly up to here, as if the file ended there. */
  readonly until?: number | undefined;
}

async function readSegment(reading: Reading, options: Parts): Promise<ReadResult> {
  const { file, position, final, flush, until } = reading;
  const { offset } = position;
  const plan = planOf(file.source);
  const lead = Math.min(TAIL_BYTES, offset);
  const { maxRecordBytes } = file.source;
  // A longer line is cut into pieces, and a longer record too, so at most this many bytes hold one that is whole.
  const enough = offset + 2 * (maxRecordBytes + 2);
  const fileEnd = until ?? file.size;
  for (let border = until ?? borderAfter(offset); ; border += GRID_BYTES) {
    const end = Math.min(border, fileEnd);
    const buffer = options.pool.take(Math.max(end - offset, 0) + lead);
    const bytes = await file.read(offset - lead, buffer);
    const reachedEnd = bytes === undefined || bytes.length < buffer.length || end === fileEnd;
    const changed = bytes !== undefined && !stands(file, position, bytes, lead, buffer.length);
    const decoded =
      bytes === undefined || changed
        ? undefined
        : decode(
            // Streams that never come to rest together are cut by force.
            { ...reading, final: final && reachedEnd, flush: (flush && reachedEnd) || border > enough },
            bytes,
            lead,
            plan,
            options,
          );
    if (bytes !== undefined && decoded !== undefined && decoded.segment.end > offset) {
      const { segment } = decoded;
      file.wasReadTo(segment.end, tailMarker(bytes.subarray(0, lead + segment.end - offset)));
      return { kind: "segment", segment };
    }
    options.pool.give(buffer);
    if (bytes === undefined) return { kind: "unreadable" };
    if (changed) return { kind: "changed" };
    if (reachedEnd) return { kind: "atEnd", wholeAtMs: decoded?.isHeldBack === true ? wholeAt(file) : undefined };
    if (border > enough + GRID_BYTES) throw new Error(`no record within ${border - offset} bytes at offset ${offset}`);
  }
}

/**
 * Whether the file still has the bytes before the position, of which `lead` are in front of those that were read, of `wanted`
 * in all. Before its beginning there are none: there it must begin as it did, unless less is wanted than tells.
 */
function stands({ identity }: LogFile, position: Position, bytes: Buffer, lead: number, wanted: number): boolean {
  if (lead > 0) return bytes.length >= lead && tailMarker(bytes.subarray(0, lead)) === position.tail;
  const { from = 0, length, hash } = identity.head;
  return wanted < from + length || fingerprintOf(bytes.subarray(from, from + length)).hash === hash;
}

const wholeAt = ({ grownAtMs, source }: LogFile): number => grownAtMs + (source.flushAfter ?? 0);

/** Runtimes cut lines into parts of 16 KiB, which escaped take at most six times as much. */
const FIRST_LINE_BYTES = 128 * 1_024;

/** As much of the first line as tells whether a container runtime wrote it. */
function firstLine(content: Buffer, encoding: FileEncoding["encoding"]): string {
  const end = content.indexOf(0x0a);
  return encoding.decode(content.subarray(0, Math.min(end === -1 ? content.length : end, FIRST_LINE_BYTES)));
}

interface Decoded {
  readonly segment: Segment;
  /** Whether lines at the end wait for those that may belong to them. */
  readonly isHeldBack: boolean;
}

function decode(
  { file, position: { offset }, final, flush, encoding, markBytes }: Reading,
  bytes: Buffer,
  lead: number,
  plan: JoinPlan | undefined,
  options: Parts,
): Decoded {
  // A byte order mark at the beginning of a file is no part of its first line.
  const skipped = offset === 0 ? Math.min(markBytes, bytes.length) : 0;
  const content = bytes.subarray(lead + skipped);
  const base = offset + skipped;
  const continued = lead > 0 && offset > markBytes && !encoding.endsLine(bytes.subarray(0, lead));
  const ascii = encoding.isUtf8 && isAscii(content);
  const framing = { maxRecordBytes: file.source.maxRecordBytes, continued, final };
  if (content.length > 0 && options.parsers.isContainer(file, () => firstLine(content, encoding))) {
    const { parsers, starts } = options;
    const joined = joinContainer({ content, base, file, parsers, starts, plan, flush, framing, encoding });
    const end = joined.decided === 0 && !final ? offset : base + joined.decided;
    const own = bytes.subarray(0, lead + end - offset);
    const segment = new Segment(offset, end, joined.records, own, options.pool, undefined, joined.groups);
    return { segment, isHeldBack: joined.isHeldBack };
  }
  // Text with invalid bytes is not what its bytes are: it has to be decoded.
  const page = encoding.isUtf8 && (ascii || isUtf8(content)) ? new TextPage(content, base, ascii) : undefined;
  const { records, decided, isHeldBack } = options.lines.read(
    { content, base, file, parse: options.parsers.of(file), page, isAscii: ascii, encoding, framing, flush },
    plan,
  );
  options.parsers.learn(file, records);
  const end = decided === 0 && !final ? offset : base + decided;
  const segment = new Segment(offset, end, records, bytes.subarray(0, lead + end - offset), options.pool, page);
  return { segment, isHeldBack };
}
