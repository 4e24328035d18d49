import { crc32 } from "node:zlib";
import type { BufferPool } from "./buffer-pool.ts";
import type { Position } from "./checkpoint.ts";
import { tailMarker } from "./position.ts";
import type { LogRecord } from "./record.ts";
import type { TextPage } from "./text-page.ts";

/** What a record costs in memory beside its text, about. */
const RECORD_OVERHEAD_BYTES = 112;

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
  /** In the order of their offsets. Bytes between them are blank lines. */
  readonly records: readonly LogRecord[];
  /** The file's bytes that end at `end`. They begin up to 64 bytes before `start`, for the sake of tail markers. */
  readonly #bytes: Buffer;
  readonly #pool: BufferPool;
  readonly #page: TextPage | undefined;
  #holders = 1;

  /** Takes over `bytes`, which came from the pool, and the page that the records stand on. The maker is the first holder. */
  constructor(
    start: number,
    end: number,
    records: readonly LogRecord[],
    bytes: Buffer,
    pool: BufferPool,
    page?: TextPage,
  ) {
    this.start = start;
    this.end = end;
    this.records = records;
    this.#bytes = bytes;
    this.#pool = pool;
    this.#page = page;
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
    return new Segment(this.start, this.end, records, this.#bytes, this.#pool, this.#page);
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

  /** CRC-32 of the segment's own bytes. */
  get crc(): number {
    return crc32(this.#bytes.subarray(this.#bytes.length - (this.end - this.start)));
  }
}
