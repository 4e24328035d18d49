import type { BigIntStats, Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { describeReadError, errorCode } from "../core/errors.ts";
import type { Globs } from "./globs.ts";

/** Deeper trees are not walked: no log directory is that deep, and a loop of bind mounts would be endless. */
const MAX_DEPTH = 64;

/** Time stamps of directories are coarse: a change within this time of a listing may not show. */
const SAME_TICK_MS = 2_000;

/** What is said of a path whose name is not valid UTF-8: a listing shows U+FFFD in it, and no such path is there. */
export const UNNAMEABLE = "its name is not valid UTF-8";

export const isUnnameable = (path: string): boolean => path.includes("\uFFFD");

export interface ListingProblem {
  /** As a file that is opened would be: `file.refused` must not be read, `file.unreadable` can't be read now. */
  readonly kind: "file.refused" | "file.unreadable";
  readonly path: string;
  readonly reason: string;
}

export interface Listing {
  /** Absolute paths that match and are regular files or symbolic links; what they really are is decided at opening. */
  readonly paths: readonly string[];
  /** The directories that were listed. */
  readonly directories: ReadonlySet<string>;
  /** Directories and matching entries that are not read, with the reason. */
  readonly problems: readonly ListingProblem[];
}

/** Who wants to know which directories there are: told before a directory is listed. */
export interface DirectoryObserver {
  appeared(directory: string): void;
  /** No longer there, or another one in its place. */
  vanished(directory: string): void;
}

interface Directory {
  readonly inode: string;
  readonly mtimeNs: bigint;
  /** Wall time of the listing, milliseconds since the epoch. */
  readonly listedAtMs: number;
  readonly subdirectories: readonly string[];
}

type WritableListing = {
  readonly paths: Set<string>;
  readonly directories: Set<string>;
  readonly problems: ListingProblem[];
};

/**
 * The directories below the roots of some globs. What was listed is remembered, so that a directory whose modification
 * time stands still costs a stat, however many files it holds. Symbolic links to directories are not followed, so there
 * are no loops.
 */
export class DirectoryTree {
  readonly #globs: readonly Globs[];
  readonly #clock: Pick<Clock, "now">;
  readonly #directories = new Map<string, Directory>();
  observer: DirectoryObserver | undefined;

  constructor(globs: Iterable<Globs>, clock: Pick<Clock, "now">) {
    this.#globs = [...globs];
    this.#clock = clock;
  }

  /** The directories that were there at the last listing. */
  get directories(): Iterable<string> {
    return this.#directories.keys();
  }

  /** Lists every directory, or only those that may have changed since they were listed. Ends early when `stop` says so. */
  async list(every: boolean, stop: () => boolean = () => false): Promise<Listing> {
    const listing: WritableListing = { paths: new Set(), directories: new Set(), problems: [] };
    const reached = new Set<string>();
    const roots = new Set(this.#globs.flatMap(({ roots: ofGlobs }) => ofGlobs));
    for (const root of roots) {
      const maxDepth = Math.max(
        ...this.#globs.map((globs) => (globs.roots.includes(root) ? globs.depthBelow(root) : 0)),
      );
      const pending = [{ directory: root, depth: 0 }];
      for (let next = pending.pop(); next !== undefined && !stop(); next = pending.pop()) {
        const { directory, depth } = next;
        reached.add(directory);
        for (const path of await this.#visit(directory, every, listing)) {
          if (depth < Math.min(maxDepth, MAX_DEPTH)) pending.push({ directory: path, depth: depth + 1 });
          else if (depth === MAX_DEPTH) listing.problems.push(unreadable(path, `deeper than ${MAX_DEPTH} levels`));
        }
      }
    }
    if (!stop()) for (const known of this.#directories.keys()) if (!reached.has(known)) this.#forget(known);
    return { ...listing, paths: [...listing.paths].sort() };
  }

  /** Lists a directory, if it is time to. Returns its subdirectories. */
  async #visit(directory: string, every: boolean, listing: WritableListing): Promise<readonly string[]> {
    if (listing.directories.has(directory)) return this.#directories.get(directory)?.subdirectories ?? [];
    const known = this.#directories.get(directory);
    try {
      const stats = await stat(directory, { bigint: true });
      const inode = `${stats.dev}:${stats.ino}`;
      if (known !== undefined && known.inode !== inode) this.#forget(directory);
      if (!every && known !== undefined && known.inode === inode && isSettled(known, stats))
        return known.subdirectories;
      this.observer?.appeared(directory);
      const listedAtMs = this.#clock.now();
      const entries = await readdir(directory, { withFileTypes: true });
      listing.directories.add(directory);
      const subdirectories = this.#sort(directory, entries, listing);
      this.#directories.set(directory, { inode, mtimeNs: stats.mtimeNs, listedAtMs, subdirectories });
      return subdirectories;
    } catch (error) {
      const code = errorCode(error);
      this.#forget(directory);
      // A root that does not exist yet is normal: the application makes it when it starts.
      if (code === "ENOENT" && isUnnameable(directory)) listing.problems.push(unreadable(directory, UNNAMEABLE));
      else if (code === "ENOENT") this.observer?.appeared(dirname(directory));
      else listing.problems.push(unreadable(directory, describeReadError(error)));
      return [];
    }
  }

  #sort(directory: string, entries: readonly Dirent[], { paths, problems }: WritableListing): readonly string[] {
    const subdirectories: string[] = [];
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) subdirectories.push(path);
      else if (!this.#globs.some((globs) => globs.matches(path))) continue;
      else if (entry.isFile() || entry.isSymbolicLink()) paths.add(path);
      else problems.push({ kind: "file.refused", path, reason: "not a regular file" });
    }
    return subdirectories;
  }

  #forget(directory: string): void {
    if (this.#directories.delete(directory)) this.observer?.vanished(directory);
  }
}

const unreadable = (path: string, reason: string): ListingProblem => ({ kind: "file.unreadable", path, reason });

const isSettled = ({ mtimeNs, listedAtMs }: Directory, stats: BigIntStats): boolean =>
  mtimeNs === stats.mtimeNs && listedAtMs - Number(mtimeNs / 1_000_000n) > SAME_TICK_MS;
