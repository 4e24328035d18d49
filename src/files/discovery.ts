import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../core/errors.ts";
import type { Globs } from "./globs.ts";

/** Deeper trees are not walked: no log directory is that deep, and a loop of bind mounts would be endless. */
const MAX_DEPTH = 64;

export interface Listing {
  /** Absolute paths that match and are regular files or symbolic links; what they really are is decided at opening. */
  readonly paths: readonly string[];
  /** Directories and matching entries that could not be looked at, with the reason. */
  readonly problems: readonly { readonly path: string; readonly reason: string }[];
}

/** Lists the files that match the globs. Symbolic links to directories are not followed, so there are no loops. */
export async function listFiles(globs: Globs): Promise<Listing> {
  const paths: string[] = [];
  const problems: { path: string; reason: string }[] = [];
  for (const root of globs.roots) {
    const maxDepth = Math.min(globs.depthBelow(root), MAX_DEPTH);
    const pending = [{ directory: root, depth: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { directory, depth } = next;
      for (const entry of await entriesOf(directory, problems)) {
        const path = join(directory, entry.name);
        if (entry.isDirectory()) {
          if (depth < maxDepth) pending.push({ directory: path, depth: depth + 1 });
          else if (depth === MAX_DEPTH) problems.push({ path, reason: `deeper than ${MAX_DEPTH} levels` });
        } else if (globs.matches(path)) {
          if (entry.isFile() || entry.isSymbolicLink()) paths.push(path);
          else problems.push({ path, reason: "not a regular file" });
        }
      }
    }
  }
  return { paths: [...new Set(paths)].sort(), problems };
}

async function entriesOf(directory: string, problems: { path: string; reason: string }[]): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    // A root that does not exist yet is normal: the application makes it when it starts.
    const code = errorCode(error);
    if (code !== "ENOENT") problems.push({ path: directory, reason: code ?? String(error) });
    return [];
  }
}
