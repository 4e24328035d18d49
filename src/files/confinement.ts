import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, open, readlink, realpath } from "node:fs/promises";
import { describeReadError, errorCode } from "../core/errors.ts";
import { isWithin } from "../core/paths.ts";
import { Archive, type ByteSource, compressionOf } from "./archive.ts";

export interface Opened {
  readonly kind: "opened";
  readonly handle: FileHandle;
  /** The content, if the file is an archive: the handle's own bytes are not it. */
  readonly archive: Archive | undefined;
  readonly stats: BigIntStats;
  /** Where it really is. */
  readonly realPath: string;
}

export type OpenResult =
  | Opened
  /** It is there, but must not be read: not a regular file, or outside of the roots. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "missing" }
  /** It could be read in principle, but not now: no permission, out of descriptors. */
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Opens a file of the untrusted log volume. The last component may be a link, which is resolved first; the open itself
 * follows none and never blocks on a FIFO. Where the descriptor really leads is checked after opening and before the
 * first byte is read, so no swap of a directory between check and use gets past it. `realRoots` are without links.
 */
export async function openConfined(path: string, realRoots: readonly string[]): Promise<OpenResult> {
  let handle: FileHandle;
  try {
    handle = await openTarget(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    if (code === "ELOOP" || code === "ENXIO") return { kind: "refused", reason: "not a regular file" };
    return { kind: "unreadable", reason: describeReadError(error) };
  }
  try {
    const stats = await handle.stat({ bigint: true });
    const realPath = await whereIs(handle);
    if (!stats.isFile()) return await refuse(handle, "not a regular file");
    if (!realRoots.some((root) => isWithin(realPath, root)))
      return await refuse(handle, `leads to ${realPath}, outside of the roots`);
    const compression = await compressionOf(handle);
    const archive = compression && new Archive(handle, compression);
    return { kind: "opened", handle, archive, stats, realPath };
  } catch (error) {
    await handle.close();
    return { kind: "unreadable", reason: describeReadError(error) };
  }
}

const openInPlace = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

/** Most paths are no links, and need not be resolved. */
async function openTarget(path: string): Promise<FileHandle> {
  try {
    return await openInPlace(path);
  } catch (error) {
    if (errorCode(error) !== "ELOOP") throw error;
    return openInPlace(await realpath(path));
  }
}

async function refuse(handle: FileHandle, reason: string): Promise<OpenResult> {
  await handle.close();
  return { kind: "refused", reason };
}

/**
 * Keeps an opened file if it passes the test, else closes it. One that can't be read does not pass. Every opened file goes
 * through here or into a followed file: a forgotten handle ends the process.
 */
export async function keepIf(opened: Opened, test: (opened: Opened) => Promise<boolean>): Promise<Opened | undefined> {
  let passed = false;
  try {
    passed = await test(opened);
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  } finally {
    if (!passed) await discard(opened);
  }
  return passed ? opened : undefined;
}

/** Where the content of an opened file is read from. */
export const contentOf = ({ archive, handle }: Pick<Opened, "archive" | "handle">): ByteSource => archive ?? handle;

/** Closes an opened file that nobody keeps. */
export async function discard({ archive, handle }: Opened): Promise<void> {
  archive?.close();
  await handle.close();
}

/** The path that leads to an open file now, whatever it was renamed to. Of a deleted file it says where it was, with a mark. */
export const whereIs = (handle: FileHandle): Promise<string> => readlink(`/proc/self/fd/${handle.fd}`);
