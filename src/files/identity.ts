import type { BigIntStats } from "node:fs";
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { TAIL_BYTES, tailMarker } from "../core/position.ts";
import type { FileIdentity, Fingerprint, Position } from "../core/checkpoint.ts";
import { Archive, type ByteSource } from "./archive.ts";

/** Bytes of a file's beginning that its fingerprint covers at most. */
export const HEAD_BYTES = 1_024;

const READ_BYTES = 1 << 20;

const HOLE_READ_BYTES = 256 * 1_024;

export const fingerprintOf = (head: Buffer): Fingerprint => ({
  length: head.length,
  hash: hash("sha1", head, "base64url"),
});

/** Fills the buffer with the bytes at `offset`. Returns the part that was filled: all of it, unless the file ends there. */
export async function readInto(source: ByteSource, offset: number, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await source.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Reads up to `length` bytes at `offset`; fewer only where the file ends. */
const readAt = (source: ByteSource, offset: number, length: number): Promise<Buffer> =>
  readInto(source, offset, Buffer.allocUnsafe(length));

/** The fingerprint of up to `length` bytes from `from` on, where the content begins. */
export async function readHead(source: ByteSource, length = HEAD_BYTES, from = 0): Promise<Fingerprint> {
  const head = fingerprintOf(await readAt(source, from, length));
  return from === 0 ? head : { from, ...head };
}

/** Fewer NUL bytes at a beginning are text: in UTF-16, for example, up to three stand there. */
const SMALLEST_HOLE_BYTES = 4;

/** How many NUL bytes the file begins with; all of them if there is nothing else. */
async function leadingNuls(source: ByteSource): Promise<number> {
  const nuls = Buffer.alloc(HOLE_READ_BYTES);
  const buffer = Buffer.allocUnsafe(HOLE_READ_BYTES);
  for (let offset = 0; ; offset += buffer.length) {
    const bytes = await readInto(source, offset, buffer);
    if (bytes.length === buffer.length && bytes.equals(nuls)) continue;
    const first = bytes.findIndex((byte) => byte !== 0);
    return offset + (first === -1 ? bytes.length : first);
  }
}

/**
 * Where the content of a file begins: after the NUL bytes that a truncation leaves if the writer goes on at its old
 * offset. They take no space on the disk, or the file is known to have been truncated; other NUL bytes are content.
 */
async function contentStart(source: ByteSource, stats: BigIntStats, wasTruncated: boolean): Promise<number> {
  const isSparse = stats.blocks * 512n < stats.size;
  if (stats.size === 0n || !(isSparse || wasTruncated)) return 0;
  const beginning = await readAt(source, 0, SMALLEST_HOLE_BYTES);
  if (beginning.length < SMALLEST_HOLE_BYTES || beginning.some((byte) => byte !== 0)) return 0;
  return leadingNuls(source);
}

/** How a file begins: its fingerprint, and the end of the NUL bytes before its content that nobody wrote. */
export interface Beginning {
  readonly head: Fingerprint;
  readonly hole: Position | undefined;
}

/** What the file has got since `stats` were taken is left out: it need not be in a copy. An archive gets nothing more. */
export async function beginningOf(source: ByteSource, stats: BigIntStats, wasTruncated: boolean): Promise<Beginning> {
  const from = await contentStart(source, stats, wasTruncated);
  const size = source instanceof Archive ? Number.POSITIVE_INFINITY : Number(stats.size);
  const head = await readHead(source, Math.min(HEAD_BYTES, Math.max(0, size - from)), from);
  return { head, hole: from === 0 ? undefined : await positionAt(source, from) };
}

/** Whether two stats name the same file as far as the file system knows. */
export function sameInode(identity: FileIdentity, stats: BigIntStats): boolean {
  return identity.inode === stats.ino && identity.device === stats.dev && sameBirth(identity, stats);
}

/**
 * An inode number that was freed and used again has another birth time. File systems without one report 0, and then the
 * content decides alone.
 */
export function sameBirth(identity: FileIdentity, stats: BigIntStats): boolean {
  return identity.birthtimeNs === 0n || stats.birthtimeNs === 0n || identity.birthtimeNs === stats.birthtimeNs;
}

/** Whether the file still begins as it did when the fingerprint was taken. */
export async function headMatches(source: ByteSource, head: Fingerprint): Promise<boolean> {
  return head.length === 0 || (await readHead(source, head.length, head.from)).hash === head.hash;
}

/** The tail marker of the position at `offset`, as the file is now. */
export async function tailAt(source: ByteSource, offset: number): Promise<number> {
  return tailMarker(await readAt(source, Math.max(0, offset - TAIL_BYTES), Math.min(TAIL_BYTES, offset)));
}

/** The position at `offset`, proved by reading everything before it. Undefined if the file is shorter. */
export async function positionAt(source: ByteSource, offset: number): Promise<Position | undefined> {
  let crc = 0;
  let done = 0;
  while (done < offset) {
    const bytes = await readAt(source, done, Math.min(READ_BYTES, offset - done));
    if (bytes.length === 0) return undefined;
    crc = crc32(bytes, crc);
    done += bytes.length;
  }
  return { offset, crc, tail: await tailAt(source, offset) };
}

/** Whether the file holds the same bytes before the position as the one the position was taken in. */
export async function provesContent(source: ByteSource, position: Position): Promise<boolean> {
  return (await positionAt(source, position.offset))?.crc === position.crc;
}
