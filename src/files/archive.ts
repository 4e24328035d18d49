/*
 * A long file: the formats, one decompression and random access over several of them belong together.
 */
import type { FileHandle } from "node:fs/promises";
import type { Transform } from "node:stream";
import { constants, crc32, createGunzip, createZstdDecompress, type ZlibOptions, type ZstdOptions } from "node:zlib";
import type { Position } from "../core/checkpoint.ts";
import { describeError, errorCode } from "../core/errors.ts";

/** Where bytes are read from by position: an open file, or the content of an archive. As `FileHandle.read`. */
export interface ByteSource {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

export type Compression = "gzip" | "zstd";

/** The first bytes of each format. Sources: RFC 1952 section 2.3 (with deflate, the only method), RFC 8878 section 3.1.1. */
const MAGIC: readonly (readonly [Compression, Buffer])[] = [
  ["gzip", Buffer.from([0x1f, 0x8b, 0x08])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
];

/**
 * The largest window of a zstd frame, as a power of two: 8 MiB, which decoders are recommended to support (RFC 8878,
 * section 3.1.1.1.2). Levels up to 19 need no more; a frame that wants more is refused, for its memory is not ours to give.
 */
const ZSTD_WINDOW_LOG = 23;

/** Compressed bytes that are read at a time. */
const INPUT_BYTES = 32 * 1_024;

/** Places in one archive that are read at the same time, by sinks that are far apart; a further one begins anew. */
const MAX_RUNS = 3;

/** What stands before a reading position is kept for so many bytes, for the sake of tail markers. */
const LOOK_BACK_BYTES = 4_096;

async function startOf(handle: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.subarray(0, bytesRead);
}

/** The compression of a file, by its first bytes. */
export async function compressionOf(handle: FileHandle): Promise<Compression | undefined> {
  const start = await startOf(handle);
  return MAGIC.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0];
}

/** Whether the first bytes of an archive are not all there yet. */
export async function mayBecomeArchive(handle: FileHandle): Promise<boolean> {
  const start = await startOf(handle);
  return MAGIC.some(([, magic]) => start.length < magic.length && start.equals(magic.subarray(0, start.length)));
}

/** Streams of zlib pass it on. */
interface OneByOne {
  readonly highWaterMark: number;
}

/**
 * One decompression from the beginning of an archive, pulled piece by piece. The next piece is only made when the one
 * before was taken, so an error never costs what came before it, and a bomb never more memory than a piece.
 */
class Inflation {
  readonly #handle: FileHandle;
  readonly #stream: Transform;
  #inputOffset = 0;
  #wake = Promise.withResolvers<void>();
  #isWriting = false;
  #ended = false;
  damage: string | undefined;
  /** The damage is that its end is missing. */
  isCutOff = false;

  constructor(handle: FileHandle, compression: Compression) {
    this.#handle = handle;
    const gzip: ZlibOptions & OneByOne = { highWaterMark: 1 };
    const zstd: ZstdOptions & OneByOne = {
      highWaterMark: 1,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    };
    this.#stream = compression === "gzip" ? createGunzip(gzip) : createZstdDecompress(zstd);
    const wake = (): void => this.#wake.resolve();
    this.#stream.on("readable", wake);
    this.#stream.on("end", () => {
      this.#ended = true;
      wake();
    });
    this.#stream.on("error", (error) => {
      this.damage = describeError(error);
      this.isCutOff = errorCode(error) === "Z_BUF_ERROR";
      this.#ended = true;
      wake();
    });
  }

  /** The next bytes; undefined after the last ones. Then `damage` says whether the archive ends before its end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const piece: unknown = this.#stream.read();
      if (Buffer.isBuffer(piece)) return piece;
      if (this.#ended) return undefined;
      this.#wake = Promise.withResolvers<void>();
      if (!this.#isWriting && this.#stream.readableLength === 0) await this.#feed();
      if (this.#stream.readableLength === 0 && !this.#ended) await this.#wake.promise;
    }
  }

  async #feed(): Promise<void> {
    const input = Buffer.allocUnsafe(INPUT_BYTES);
    const { bytesRead } = await this.#handle.read(input, 0, input.length, this.#inputOffset);
    if (this.#ended) return;
    this.#inputOffset += bytesRead;
    this.#isWriting = true;
    if (bytesRead === 0) this.#stream.end();
    else
      this.#stream.write(input.subarray(0, bytesRead), () => {
        this.#isWriting = false;
        this.#wake.resolve();
      });
  }

  close(): void {
    this.#ended = true;
    this.#stream.destroy();
    this.#wake.resolve();
  }
}

/** A decompression with the bytes around its place, so that a reader can go back a little. */
class Run {
  readonly #inflation: Inflation;
  /** The latest pieces, which end at `#end`. */
  readonly #pieces: Buffer[] = [];
  #start = 0;
  #end = 0;

  constructor(handle: FileHandle, compression: Compression) {
    this.#inflation = new Inflation(handle, compression);
  }

  get start(): number {
    return this.#start;
  }

  async read(target: Buffer, position: number): Promise<number> {
    while (this.#end < position + target.length) {
      this.#dropBefore(position - LOOK_BACK_BYTES);
      const piece = await this.#inflation.next();
      if (piece === undefined) break;
      this.#pieces.push(piece);
      this.#end += piece.length;
    }
    let at = this.#start;
    let filled = 0;
    for (const piece of this.#pieces) {
      const from = Math.max(position - at, 0);
      if (from < piece.length && at < position + target.length)
        filled += piece.copy(target, Math.max(at - position, 0), from);
      at += piece.length;
    }
    return filled;
  }

  #dropBefore(position: number): void {
    for (let [first] = this.#pieces; first !== undefined; [first] = this.#pieces) {
      if (this.#start + first.length > position) break;
      this.#start += first.length;
      this.#pieces.shift();
    }
  }

  close(): void {
    this.#inflation.close();
  }
}

/** What one pass over an archive tells. */
export interface ArchiveScan {
  /** Bytes of content that can be read. */
  readonly size: number;
  /** CRC-32 of the content before `at`, if there is as much. */
  readonly crc: number | undefined;
  /** Why the content ends before its end. */
  readonly damage: string | undefined;
  /** Bytes of content there were, as far as the archive tells: more than `size` only if it is damaged. */
  readonly expectedSize: number;
}

/**
 * The content of a `.gz` or `.zst` file by position, decompressed on the way. Reading onwards costs what it must; reading
 * far back begins anew. Memory: at most three decompressions of up to 8 MiB each, and what one read asks for.
 */
export class Archive implements ByteSource {
  readonly compression: Compression;
  readonly #handle: FileHandle;
  /** The one used last comes last. */
  readonly #runs: Run[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(handle: FileHandle, compression: Compression) {
    this.#handle = handle;
    this.compression = compression;
  }

  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }> {
    const read = async (): Promise<{ readonly bytesRead: number }> => {
      const bytesRead = await this.#runAt(position).read(buffer.subarray(offset, offset + length), position);
      return { bytesRead };
    };
    // One at a time: a run has one place. A failed read is its caller's, not that of the next one.
    const result = this.#last.then(read, read);
    this.#last = result;
    return result;
  }

  /** Reads the whole archive once: how long its content is, whether it is whole, and the CRC-32 of what stands before `at`. */
  async scan(at = 0): Promise<ArchiveScan> {
    const inflation = new Inflation(this.#handle, this.compression);
    let size = 0;
    let crc = 0;
    try {
      for (let piece = await inflation.next(); piece !== undefined; piece = await inflation.next()) {
        if (size < at) crc = crc32(piece.subarray(0, at - size), crc);
        size += piece.length;
      }
    } finally {
      inflation.close();
    }
    const { damage, isCutOff } = inflation;
    const expectedSize = damage === undefined || isCutOff ? size : await this.#expectedSize(size);
    return { size, crc: size >= at ? crc : undefined, damage, expectedSize };
  }

  /** How long the content of a damaged archive was by its trailer, if that can be: deflate makes at most 1032 bytes of one. */
  async #expectedSize(readable: number): Promise<number> {
    const trailer = await this.trailer();
    const { size } = await this.#handle.stat();
    return trailer === undefined || trailer.size > size * 1_032 ? readable : Math.max(readable, trailer.size);
  }

  /**
   * What a gzip file's last eight bytes say of its content: the CRC-32, which is the same as that of a cursor at its end, and the
   * size modulo 4 GiB. Source: RFC 1952 section 2.3.1. Of a file of several members they tell of the last one only.
   */
  async trailer(): Promise<{ readonly crc: number; readonly size: number } | undefined> {
    if (this.compression !== "gzip") return undefined;
    const { size } = await this.#handle.stat();
    const bytes = Buffer.alloc(8);
    const { bytesRead } = await this.#handle.read(bytes, 0, 8, Math.max(0, size - 8));
    return bytesRead < 8 ? undefined : { crc: bytes.readUInt32LE(0), size: bytes.readUInt32LE(4) };
  }

  /** Whether the archive holds exactly what stands before the position, by its trailer alone. False says nothing. */
  async isExactly(position: Position): Promise<boolean> {
    const trailer = await this.trailer();
    return position.offset > 0 && trailer?.crc === position.crc && trailer.size === position.offset % 2 ** 32;
  }

  close(): void {
    for (const run of this.#runs.splice(0)) run.close();
  }

  #runAt(position: number): Run {
    let best: Run | undefined;
    for (const run of this.#runs) if (run.start <= position && run.start >= (best?.start ?? 0)) best = run;
    best ??= new Run(this.#handle, this.compression);
    const known = this.#runs.indexOf(best);
    if (known !== -1) this.#runs.splice(known, 1);
    else if (this.#runs.length >= MAX_RUNS) this.#runs.shift()?.close();
    this.#runs.push(best);
    return best;
  }
}
