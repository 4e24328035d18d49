import type { BigIntStats } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Position } from "../core/checkpoint.ts";
import { contentOf, discard, keepIf, openConfined, type Opened } from "./confinement.ts";
import { HEAD_BYTES, headMatches, provesContent, readHead, tailAt } from "./identity.ts";
import { type Copy, inodeKey, type LogFile } from "./log-file.ts";
import { isRotatedName } from "./rotation-names.ts";
import { bornAt, settledFiles } from "./siblings.ts";

export interface CopySearch {
  readonly file: LogFile;
  /** The furthest durable position of any sink: what the copy must prove to hold. */
  readonly position: Position;
  readonly roots: readonly string[];
  /** Whether bytes are pending that only a copy still has. */
  readonly isNeeded: boolean;
  readonly isKnown: (stats: BigIntStats) => boolean;
  /** Told if several files hold the same content: which one is read, and the others. */
  readonly onAmbiguity: (chosen: string, others: readonly string[]) => void;
}

/** The directories that generations of a file can be in: its own, that of its live path, those they are moved to. */
export function directoriesOf({ path, target, stream, source }: Searched): readonly string[] {
  const live = dirname(stream);
  const moved = source.rotated.dirs.map((directory) => resolve(live, directory));
  const real = target === undefined ? [] : [dirname(target)];
  return [...new Set([dirname(path), ...real, live, ...moved])];
}

type Searched = Pick<LogFile, "path" | "target" | "stream" | "source">;

/**
 * Finds a copy of a file that was truncated or has vanished: a file or archive, in any directory its generations can be
 * in, that holds the same bytes before the furthest position. Without a position the head, the name and the size decide: then
 * nothing was delivered yet, and the worst case is a duplicate. A file with any other name than a rotated one only counts if bytes
 * are pending: it may be one of its own that merely begins alike, and equal files stay two files.
 */
export async function findCopy(search: CopySearch): Promise<Copy | undefined> {
  const { file } = search;
  if (file.identity.head.length === 0) return undefined;
  const proven = new Map<string, Copy>();
  for (const directory of directoriesOf(file)) {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      if (await searchIn(directory, search, proven)) break;
    }
  }
  const [chosen, ...others] = [...proven.values()].sort(byLikelihood(file));
  for (const other of others) await discard(other);
  if (chosen !== undefined && others.length > 0)
    search.onAmbiguity(
      chosen.realPath,
      others.map(({ realPath }) => realPath),
    );
  return chosen;
}

/** A directory whose files are renamed under our eyes again and again is searched so often. */
const MAX_ATTEMPTS = 5;

/** Adds the copies in a directory to those that are proven, by inode. False if one was renamed since it was listed. */
async function searchIn(directory: string, search: CopySearch, proven: Map<string, Copy>): Promise<boolean> {
  const { file, isNeeded } = search;
  const isWanted = (name: string): boolean => isNeeded || isGenerationOf(file, name);
  let isComplete = true;
  for (const { path, stats } of (await settledFiles(directory, isWanted)) ?? []) {
    if (proven.has(inodeKey(stats))) continue;
    const copy = await copyAt(path, stats, search);
    if (copy === "moved") isComplete = false;
    else if (copy !== undefined) proven.set(inodeKey(stats), copy);
  }
  return isComplete;
}

/** Whether the name is one that a rotator gives to the file: after its live path, where that leads to, or its own path. */
const isGenerationOf = ({ stream, target = stream, path }: LogFile, name: string): boolean =>
  [stream, target, path].some((given) => isRotatedName(name, given));

/** The likeliest copy first: one that has all that was seen of the file, then one with a rotated name, then the longest. */
function byLikelihood(file: LogFile): (a: Copy, b: Copy) => number {
  const isWhole = ({ contentSize }: Copy): number => Number(contentSize >= file.size);
  const isNamed = ({ realPath }: Copy): number => Number(isGenerationOf(file, basename(realPath)));
  return (a, b) => isWhole(b) - isWhole(a) || isNamed(b) - isNamed(a) || b.contentSize - a.contentSize;
}

/** The copy at a path, if it is proved to be one; `moved` if the path no longer leads to what was listed there. */
async function copyAt(path: string, stats: BigIntStats, search: CopySearch): Promise<Copy | "moved" | undefined> {
  const { file, position, roots, isKnown } = search;
  // A copy is no older than what it was copied from.
  if (isKnown(stats) || bornAt(stats) < file.identity.birthtimeNs) return undefined;
  const opened = await openConfined(path, roots);
  if (opened.kind === "missing") return "moved";
  if (opened.kind !== "opened") return undefined;
  if (opened.stats.ino !== stats.ino) {
    await discard(opened);
    return "moved";
  }
  return proveCopy(opened, file, position);
}

/** The opened file, if it is proved to hold the content of `file`; else it is closed. */
async function proveCopy(opened: Opened, file: LogFile, position: Position): Promise<Copy | undefined> {
  let sizes = { contentSize: 0, expectedSize: 0 };
  const kept = await keepIf(opened, async () => {
    const found = await sizesIfCopy(opened, file, position);
    if (found === undefined) return false;
    sizes = found;
    // Nothing but its beginning speaks for it, and that is the same in many logs: then its name has to, or its size.
    return position.offset > 0 || isGenerationOf(file, basename(opened.realPath)) || found.expectedSize === file.size;
  });
  return kept && { ...kept, ...sizes };
}

export type Sizes = Pick<Copy, "contentSize" | "expectedSize" | "damage">;

/** How much of the content an opened file holds, if it is proved to hold it; undefined if not. */
export async function sizesIfCopy(opened: Opened, file: LogFile, position: Position): Promise<Sizes | undefined> {
  const { archive, stats } = opened;
  const { head } = file.identity;
  const least = Math.max(position.offset, (head.from ?? 0) + head.length);
  if (archive === undefined && stats.size < BigInt(least)) return undefined;
  if (!(await headMatches(contentOf(opened), head))) return undefined;
  if (archive === undefined) {
    const contentSize = Number(stats.size);
    const proven = position.offset > 0 ? await provesContent(opened.handle, position) : isAsLong(file, contentSize);
    return proven ? { contentSize, expectedSize: contentSize } : undefined;
  }
  if (position.offset >= file.size && (await archive.isExactly(position)))
    return { contentSize: position.offset, expectedSize: position.offset };
  const { size, crc, expectedSize, damage } = await archive.scan(position.offset);
  const proven = position.offset > 0 ? crc === position.crc : isAsLong(file, expectedSize);
  return proven ? { contentSize: size, expectedSize, damage } : undefined;
}

/** Nothing was delivered of it, so nothing proves it but its head; of a short one the size has to speak too. */
const isAsLong = ({ identity, size }: LogFile, contentSize: number): boolean =>
  identity.head.length === HEAD_BYTES || contentSize >= size;

/**
 * Whether an opened file may hold just the beginning of `file`: a copy that is made before a truncation. Head and last bytes
 * tell it apart from anything but a copy, at the cost of two small reads however long it is.
 */
export async function isBeginningOf(file: LogFile, { handle, archive, stats }: Opened): Promise<boolean> {
  const size = Number(stats.size);
  if (file.content === undefined || archive !== undefined || size === 0 || size > file.size) return false;
  const headLength = Math.min(size, HEAD_BYTES);
  const [ownHead, head] = await Promise.all([readHead(file.content, headLength), readHead(handle, headLength)]);
  return ownHead.hash === head.hash && (await tailAt(file.content, size)) === (await tailAt(handle, size));
}
