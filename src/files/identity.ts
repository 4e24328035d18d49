import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { TAIL_BYTES, tailMarker } from "../core/position.ts";
import type { FileIdentity, Fingerprint, Position } from "../core/checkpoint.ts";

/** Bytes of a file's beginning that its fingerprint covers at most. */
export const HEAD_BYTES = 1_024;

const READ_BYTES = 1 << 20;

export const fingerprintOf = (head: Buffer): Fingerprint => ({
  length: head.length,
  hash: hash("sha1", head, "base64url"),
});

/** Fills the buffer with the bytes at `offset`. Returns the part that was filled: all of it, unless the file ends there. */
export async function readInto(handle: FileHandle, offset: number, buffer: Buffer): Promise<Buffer> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Reads up to `length` bytes at `offset`; fewer only where the file ends. */
const readAt = (handle: FileHandle, offset: number, length: number): Promise<Buffer> =>
  readInto(handle, offset, Buffer.allocUnsafe(length));

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
