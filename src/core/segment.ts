import { crc32 } from "node:zlib";
import type { BufferPool } from "./buffer-pool.ts";
import type { Position } from "./checkpoint.ts";
import { tailMarker } from "./position.ts";
import { type LogRecord, RECORD_OVERHEAD_BYTES } from "./record.ts";
import type { TextPage } from "./text-page.ts";

/** So many records at most have been sent, unfinished, at an end: one a stream. */
const FRAMED = 16;

/** Records of several streams whose lines stand between each other: no cursor can stand within their bytes. */
export interface RecordGroup {
  readonly start: number;
  readonly end: number;
}

/**
 * A decoded piece of a file, shared by all sinks that are at the same place. It ends at the last record before a fixed
 * grid of offsets, so sinks that began at different places meet at the next border.
 *
 * Immutable, and reference-counted for the sake of its bytes: whoever holds it, or records of it, has retained it and
 * releases it once. With the last release the buffer is used for another segment, and the records' texts are gone.
 */
export class Segment {
  /** Offset in the file of the first byte, and of the byte after the last one. */
  readonly start: number;
  readonly end: number;
  /** In the order in which they end; but for groups, of their offsets too. Bytes between them are blank lines. */
  readonly records: readonly LogRecord[];
  /** The groups of interleaved records, by the offsets of their records; undefined where there are none. */
  readonly groups: ReadonlyMap<number, RecordGroup> | undefined;
  /** The file's bytes that end at `end`. They begin up to 64 bytes before `start`, for the sake of tail markers. */
  readonly #bytes: Buffer;
  readonly #pool: BufferPool;
  readonly #page: TextPage | undefined;
  /** Its first records as they stand in the file, whatever became of them. */
  readonly #framed: readonly LogRecord[];
  #holders = 1;

  /** Takes over `bytes`, which came from the pool, and the page that the records stand on. The maker is the first holder. */
  constructor(
    start: number,
    end: number,
    records: readonly LogRecord[],
    bytes: Buffer,
    pool: BufferPool,
    page?: TextPage,
    groups?: ReadonlyMap<number, RecordGroup>,
    framed = records,
  ) {
    this.start = start;
    this.end = end;
    this.records = records;
    this.#bytes = bytes;
    this.#pool = pool;
    this.#page = page;
    this.groups = groups;
    this.#framed = framed.length > FRAMED ? framed.slice(0, FRAMED) : framed;
  }

  /** Memory it takes, about, in bytes: the raw bytes, texts that don't stand on the page, the objects. Counted anew by each call. */
  get memoryBytes(): number {
    const { buffer, length } = this.#bytes;
    // A large buffer is all its own; a small one shares a slab with others.
    const raw = buffer.byteLength <= 2 * length ? buffer.byteLength : length;
    let texts = this.#page === undefined ? length : 0;
    if (this.#page !== undefined)
      for (const record of this.records) texts += record.page === undefined ? record.textLength : 0;
    return raw + texts + this.records.length * RECORD_OVERHEAD_BYTES;
  }

  /** This segment with other records in place of its own. Takes over from this one, which is out of use then. */
  withRecords(records: readonly LogRecord[]): Segment {
    return new Segment(this.start, this.end, records, this.#bytes, this.#pool, this.#page, this.groups, this.#framed);
  }

  retain(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) {
      this.#page?.release();
      this.#pool.give(this.#bytes);
    }
    if (this.#holders < 0) throw new Error("a segment was released that nobody held");
  }

  /** The position at `offset`, reached from `from`; both must lie in the segment. */
  advance(from: Position, offset: number): Position {
    const base = this.end - this.#bytes.length;
    return {
      offset,
      crc: crc32(this.#bytes.subarray(from.offset - base, offset - base), from.crc),
      tail: tailMarker(this.#bytes.subarray(0, offset - base)),
    };
  }

  /** CRC-32 of the segment's own bytes up to an offset. */
  crcTo(offset: number): number {
    const base = this.end - this.#bytes.length;
    return crc32(this.#bytes.subarray(this.start - base, offset - base));
  }

  /** Where a cursor stands before the record of an index that begins no later than its group. */
  startOf(index: number): number {
    return this.#startOf(this.records, index);
  }

  /** The first index from `index` on before which a cursor can stand. */
  wholeGroup(index: number): number {
    const { groups, records } = this;
    const last = groups === undefined ? undefined : groups.get(records[index - 1]?.offset ?? -1);
    if (last === undefined) return index;
    let next = index;
    while (groups?.get(records[next]?.offset ?? -1) === last) next += 1;
    return next;
  }

  /** Whether one of its first records ends at or before an offset, and the next one begins there or behind. */
  hasBorder(offset: number): boolean {
    if (offset === this.end) return true;
    const index = this.#framed.findIndex((_, candidate) => this.#startOf(this.#framed, candidate) >= offset);
    const last = this.#framed[index - 1];
    if (last === undefined) return false;
    return (this.groups?.get(last.offset)?.end ?? last.offset + last.length) <= offset;
  }

  #startOf(records: readonly LogRecord[], index: number): number {
    const record = records[index];
    return record === undefined ? this.end : (this.groups?.get(record.offset)?.start ?? record.offset);
  }
}
