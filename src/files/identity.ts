import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { FileIdentity, Fingerprint, Position } from "../core/checkpoint.ts";

/** Bytes of a file's beginning that its fingerprint covers at most. */
export const HEAD_BYTES = 1_024;

/** Bytes before a cursor that its tail marker covers at most. */
export const TAIL_BYTES = 64;

const READ_BYTES = 1 << 20;

export const START: Position = { offset: 0, crc: 0, tail: 0 };

/** The tail marker of a position: CRC-32 of the bytes that end there, at most 64. `bytes` end at the position. */
export const tailMarker = (bytes: Buffer): number => crc32(bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES)));

export const fingerprintOf = (head: Buffer): Fingerprint => ({
  length: head.length,
  hash: hash("sha1", head, "base64url"),
});

/** Reads up to `length` bytes at `offset`; fewer only where the file ends. */
export async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

export const readHead = async (handle: FileHandle, length = HEAD_BYTES): Promise<Fingerprint> =>
  fingerprintOf(await readAt(handle, 0, length));

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
export async function headMatches(handle: FileHandle, head: Fingerprint): Promise<boolean> {
  return head.length === 0 || (await readHead(handle, head.length)).hash === head.hash;
}

/** The tail marker of the position at `offset`, as the file is now. */
export async function tailAt(handle: FileHandle, offset: number): Promise<number> {
  return tailMarker(await readAt(handle, Math.max(0, offset - TAIL_BYTES), Math.min(TAIL_BYTES, offset)));
}

/** The position at `offset`, proved by reading everything before it. Undefined if the file is shorter. */
export async function positionAt(handle: FileHandle, offset: number): Promise<Position | undefined> {
  let crc = 0;
  let done = 0;
  while (done < offset) {
    const bytes = await readAt(handle, done, Math.min(READ_BYTES, offset - done));
    if (bytes.length === 0) return undefined;
    crc = crc32(bytes, crc);
    done += bytes.length;
  }
  return { offset, crc, tail: await tailAt(handle, offset) };
}

/** Whether the file holds the same bytes before the position as the one the position was taken in. */
export async function provesContent(handle: FileHandle, position: Position): Promise<boolean> {
  return (await positionAt(handle, position.offset))?.crc === position.crc;
}
