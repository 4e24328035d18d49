import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorCode } from "../core/errors.ts";
import { isWithin } from "../core/paths.ts";
import { isArchiveName, isRotatedName, liveNameOf, shapeOf, withoutCompression } from "./rotation-names.ts";

export interface Sibling {
  readonly path: string;
  readonly stats: BigIntStats;
}

/** A generation of the live path `stream`. */
export interface Generation extends Sibling {
  readonly stream: string;
  /** When its content began, nanoseconds since the epoch. */
  readonly born: bigint;
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
  const root = roots.find((candidate) => candidate !== directory && isWithin(directory, candidate));
  const isRootThere = root !== undefined && (await readdir(root).then(() => true, () => false)); // prettier-ignore
  return (await isMissing(directory)) && isRootThere ? [] : undefined;
}

export const isMissing = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => false,
    (error: unknown) => errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR",
  );

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
  /** The directories that its generations can be in. */
  readonly places: readonly string[];
  /** The streams of this directory by their paths. */
  readonly streams: ReadonlyMap<string, Stream>;
  readonly isKnown: (stats: BigIntStats) => boolean;
  readonly birthOf: BirthOf;
}

/** When the content at a path began, nanoseconds since the epoch. */
export type BirthOf = (path: string, stats: BigIntStats) => bigint;

/**
 * Generations that came to be and were rotated between two looks: files with a rotated name of a stream, born since the
 * stream is followed; archives, whose own birth tells nothing, that were last written to since then. Other names are not
 * looked at, so a directory full of live files costs no more than its list.
 */
export async function unseenGenerations({
  directory,
  places,
  streams,
  isKnown,
  birthOf,
}: UnseenSearch): Promise<readonly Generation[]> {
  const streamOf = (name: string): Stream | undefined => {
    const live = liveNameOf(name, (candidate) => streams.has(join(directory, candidate)));
    return live === undefined ? undefined : streams.get(join(directory, live));
  };
  const isWanted = (name: string): boolean => streamOf(name) !== undefined;
  const rotated: Sibling[] = [];
  for (const place of places) rotated.push(...((await settledFiles(place, isWanted)) ?? []));
  return rotated.flatMap(({ path, stats }) => {
    const stream = streamOf(basename(path));
    if (stream === undefined || isKnown(stats)) return [];
    const born = birthOf(path, stats);
    return isBornSince(stream, born) ? [{ path, stats, stream: stream.path, born }] : [];
  });
}

const isBornSince = ({ followedSince }: Stream, born: bigint): boolean =>
  born + CLOCK_TICK_NS >= BigInt(Math.floor(followedSince)) * 1_000_000n;

/**
 * Generations of a live path that is a link, which was switched to them and on to the next between two looks: files in the
 * directories that it is known to have led to, born since it is followed, whose names differ from those of its `targets` in
 * their numbers only, or are rotated ones of them.
 */
export async function linkedGenerations(
  stream: Stream,
  targets: readonly string[],
  isKnown: (stats: BigIntStats) => boolean,
  birthOf: BirthOf,
): Promise<readonly Generation[]> {
  const found: Sibling[] = [];
  for (const directory of new Set(targets.map((target) => dirname(target)))) {
    const names = targets.filter((target) => dirname(target) === directory).map((target) => basename(target));
    const shapes = new Set(names.map(shapeOf));
    const isWanted = (name: string): boolean =>
      shapes.has(shapeOf(withoutCompression(name))) || names.some((target) => isRotatedName(name, target));
    found.push(...((await settledFiles(directory, isWanted)) ?? []));
  }
  return found
    .filter(({ stats }) => !isKnown(stats))
    .map(({ path, stats }) => ({ path, stats, stream: stream.path, born: birthOf(path, stats) }))
    .filter(({ born }) => isBornSince(stream, born));
}

/**
 * About when the content began. An archive is born when its content is old; what compressors keep is the time of the last
 * write, and that is before the next generation began.
 */
export function contentBornAt(path: string, stats: BigIntStats): bigint {
  const born = bornAt(stats);
  return isArchiveName(path) && stats.mtimeNs < born ? stats.mtimeNs : born;
}
