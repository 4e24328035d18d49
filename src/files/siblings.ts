import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Position } from "../core/checkpoint.ts";
import { errorCode } from "../core/errors.ts";
import { isWithin } from "../core/paths.ts";
import { keepIf, openConfined, type Opened } from "./confinement.ts";
import { HEAD_BYTES, headMatches, provesContent, readHead, tailAt } from "./identity.ts";
import type { LogFile } from "./log-file.ts";
import { isRotatedName, liveNameOf } from "./rotation-names.ts";

export interface Sibling {
  readonly path: string;
  readonly stats: BigIntStats;
}

/** When a file came to be, in nanoseconds since the epoch; its last change where the file system keeps no birth times. */
export const bornAt = (stats: BigIntStats): bigint => (stats.birthtimeNs === 0n ? stats.mtimeNs : stats.birthtimeNs);

/** The regular files of a directory whose names are wanted. Undefined if not all could be looked at: then nothing is proved. */
async function regularFiles(
  directory: string,
  isWanted: (name: string) => boolean,
): Promise<readonly Sibling[] | undefined> {
  try {
    const names = (await readdir(directory)).filter(isWanted);
    const siblings = await Promise.all(names.map((name) => lookAt(join(directory, name))));
    return siblings.flat();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** A link is none: wherever it leads, it is no renamed file. */
async function lookAt(path: string): Promise<readonly Sibling[]> {
  try {
    const stats = await lstat(path, { bigint: true });
    return stats.isFile() ? [{ path, stats }] : [];
  } catch (error) {
    // Renamed or deleted since it was listed.
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Listings in a row, at most, to get two that agree. */
const MAX_LISTINGS = 10;

/**
 * The regular files of a directory whose names are wanted, listed until two listings agree: a rename in the middle of one
 * can hide a file from it, and only what is in neither is really not there. Undefined if it can't be listed.
 */
export async function settledFiles(
  directory: string,
  isWanted: (name: string) => boolean = () => true,
): Promise<readonly Sibling[] | undefined> {
  let before = await regularFiles(directory, isWanted);
  for (let listing = 1; listing < MAX_LISTINGS && before !== undefined; listing += 1) {
    const now = await regularFiles(directory, isWanted);
    if (now !== undefined && agree(before, now)) return now;
    before = now;
  }
  return before;
}

/**
 * The regular files of a directory, as proof of what is not there. A directory that is missing below a root that can be
 * listed was deleted with all its files; a missing root may only not be mounted yet, and proves nothing.
 */
export async function provenFiles(
  directory: string,
  roots: readonly string[],
): Promise<readonly Sibling[] | undefined> {
  const files = await settledFiles(directory);
  if (files !== undefined) return files;
  const isMissing = await lstat(directory).then(
    () => false,
    (error: unknown) => errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR",
  );
  const root = roots.find((candidate) => candidate !== directory && isWithin(directory, candidate));
  const isRootThere = root !== undefined && (await readdir(root).then(() => true, () => false)); // prettier-ignore
  return isMissing && isRootThere ? [] : undefined;
}

const agree = (a: readonly Sibling[], b: readonly Sibling[]): boolean =>
  a.length === b.length && a.every(({ path, stats }, i) => b[i]?.path === path && b[i]?.stats.ino === stats.ino);

/** What is known of a stream: a live path and its generations. */
export interface Stream {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly followedSince: number;
}

/** Time stamps of files come from a clock that may lag behind by a tick. */
const CLOCK_TICK_NS = 10_000_000n;

export interface UnseenSearch {
  readonly directory: string;
  /** The streams of this directory by their paths. */
  readonly streams: ReadonlyMap<string, Stream>;
  readonly isKnown: (stats: BigIntStats) => boolean;
}

/**
 * Generations that came to be and were rotated between two looks: files with a rotated name of a stream, born since the
 * stream is followed. Other names are not looked at, so a directory full of live files costs no more than its list.
 */
export async function unseenGenerations({
  directory,
  streams,
  isKnown,
}: UnseenSearch): Promise<readonly (Sibling & { stream: string })[]> {
  const streamOf = (name: string): Stream | undefined => {
    const live = liveNameOf(name, (candidate) => streams.has(join(directory, candidate)));
    return live === undefined ? undefined : streams.get(join(directory, live));
  };
  const rotated = (await settledFiles(directory, (name) => streamOf(name) !== undefined)) ?? [];
  return rotated.flatMap(({ path, stats }) => {
    const stream = streamOf(basename(path));
    if (stream === undefined || isKnown(stats)) return [];
    const since = BigInt(Math.floor(stream.followedSince)) * 1_000_000n;
    return bornAt(stats) + CLOCK_TICK_NS >= since ? [{ path, stats, stream: stream.path }] : [];
  });
}

export interface CopySearch {
  readonly file: LogFile;
  /** The furthest durable position of any sink: what the copy must prove to hold. */
  readonly position: Position;
  readonly roots: readonly string[];
  /** Whether bytes are pending that only a copy still has. */
  readonly isNeeded: boolean;
  readonly isKnown: (stats: BigIntStats) => boolean;
}

/**
 * Finds a copy of a file that was truncated or has vanished: a file of the same directory that holds the same bytes
 * before the furthest position. Without a position the head and the size decide: then nothing was delivered yet, and the
 * worst case is a duplicate. A file with any other name than a rotated one only counts if bytes are pending: it may be
 * one of its own that merely begins alike, and equal files stay two files.
 */
export async function findCopy({ file, position, roots, isNeeded, isKnown }: CopySearch): Promise<Opened | undefined> {
  const { head, birthtimeNs } = file.identity;
  if (head.length === 0) return undefined;
  for (const { path, stats } of (await settledFiles(dirname(file.path))) ?? []) {
    const bigEnough = stats.size >= BigInt(Math.max(position.offset, head.length));
    if (isKnown(stats) || !bigEnough || bornAt(stats) < birthtimeNs) continue;
    if (!isNeeded && !isRotatedName(basename(path), file.stream)) continue;
    const opened = await openConfined(path, roots);
    if (opened.kind !== "opened") continue;
    const copy = await keepIf(opened, async ({ handle }) => {
      if (!(await headMatches(handle, head))) return false;
      if (position.offset > 0) return provesContent(handle, position);
      return head.length === HEAD_BYTES || stats.size >= BigInt(file.size);
    });
    if (copy !== undefined) return copy;
  }
  return undefined;
}

/**
 * Whether an opened file may hold just the beginning of `file`: a copy that is made before a truncation. Head and last bytes
 * tell it apart from anything but a copy, at the cost of two small reads however long it is.
 */
export async function isBeginningOf(file: LogFile, { handle, stats }: Opened): Promise<boolean> {
  const size = Number(stats.size);
  if (file.handle === undefined || size === 0 || size > file.size) return false;
  const headLength = Math.min(size, HEAD_BYTES);
  const [ownHead, head] = await Promise.all([readHead(file.handle, headLength), readHead(handle, headLength)]);
  return ownHead.hash === head.hash && (await tailAt(file.handle, size)) === (await tailAt(handle, size));
}
