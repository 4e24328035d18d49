import { constants, lstat, open, readlink, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeError, errorCode } from "../core/errors.ts";
import { isWithin } from "../core/paths.ts";
import { sameInode } from "./identity.ts";
import type { LogFile } from "./log-file.ts";

const isLive = ({ stream, identity }: LogFile): Promise<boolean> =>
  stat(stream, { bigint: true }).then(
    (live) => sameInode(identity, live),
    () => false,
  );

/**
 * Deletes a generation. The directory is opened first and everything else goes through its descriptor, so that a directory
 * which is swapped for a link meanwhile leads nowhere else; the file must be the very one that was read, and unchanged.
 * Undefined if it is gone afterwards, else the reason why it is not.
 */
export async function deleteGeneration(file: LogFile, realRoots: readonly string[]): Promise<string | undefined> {
  try {
    const directory = await open(dirname(file.path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const through = `/proc/self/fd/${directory.fd}`;
      const real = await readlink(through);
      if (!realRoots.some((root) => isWithin(real, root))) return `lies in ${real}, outside of the roots`;
      const path = join(through, basename(file.path));
      const stats = await lstat(path, { bigint: true });
      const isUnchanged = file.compression !== undefined || stats.size === BigInt(file.size);
      if (!stats.isFile() || !sameInode(file.identity, stats) || !isUnchanged) return "another file is there now";
      if (await isLive(file)) return "the live path leads to it";
      await unlink(path);
      return undefined;
    } finally {
      await directory.close();
    }
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code === "ENOENT" ? undefined : describeError(error);
  }
}
