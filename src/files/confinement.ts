import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, open, readlink, realpath } from "node:fs/promises";
import { sep } from "node:path";
import { describeError, errorCode } from "../core/errors.ts";

export type OpenResult =
  | { readonly kind: "opened"; readonly handle: FileHandle; readonly stats: BigIntStats; readonly realPath: string }
  /** It is there, but must not be read: not a regular file, or outside the roots. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "missing" }
  /** It could be read in principle, but not now: no permission, out of descriptors. */
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Opens a file of the untrusted log volume. The last component may be a link, which is resolved first; the open itself
 * follows none and never blocks on a FIFO. Where the descriptor really leads is checked after opening and before the
 * first byte is read, so no swap of a directory between check and use gets past it.
 */
export async function openConfined(path: string, allowedRoots: readonly string[]): Promise<OpenResult> {
  let handle: FileHandle;
  try {
    const target = await realpath(path);
    handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return { kind: "missing" };
    if (code === "ELOOP" || code === "ENXIO") return { kind: "refused", reason: "not a regular file" };
    return { kind: "unreadable", reason: describeError(error) };
  }
  try {
    const stats = await handle.stat({ bigint: true });
    const realPath = (await whereIs(handle)).path;
    if (!stats.isFile()) return await refuse(handle, "not a regular file");
    const roots = await resolveRoots(allowedRoots);
    if (!roots.some((root) => isUnder(realPath, root)))
      return await refuse(handle, `leads to ${realPath}, outside of the roots`);
    return { kind: "opened", handle, stats, realPath };
  } catch (error) {
    await handle.close();
    return { kind: "unreadable", reason: describeError(error) };
  }
}

async function refuse(handle: FileHandle, reason: string): Promise<OpenResult> {
  await handle.close();
  return { kind: "refused", reason };
}

const DELETED = " (deleted)";

/** Where an open file stands now, whatever it was renamed to. */
export async function whereIs(handle: FileHandle): Promise<{ readonly path: string; readonly deleted: boolean }> {
  const link = await readlink(`/proc/self/fd/${handle.fd}`);
  return link.endsWith(DELETED)
    ? { path: link.slice(0, -DELETED.length), deleted: true }
    : { path: link, deleted: false };
}

export const isUnder = (path: string, root: string): boolean => path.startsWith(root.endsWith(sep) ? root : root + sep);

/** A root may itself be a link (`/var/log/app -> /data/app`); one that is missing allows nothing. */
async function resolveRoots(roots: readonly string[]): Promise<readonly string[]> {
  const resolved = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  return resolved.filter((root) => root !== undefined);
}
