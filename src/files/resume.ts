/*
 * A long file: how each file of the last run is found again is one search, from the surest place to the last resort.
 */
import type { BigIntStats } from "node:fs";
import { dirname } from "node:path";
import type { CheckpointStore, FileCheckpoint, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Archive } from "./archive.ts";
import { contentOf, keepIf, openConfined, type Opened } from "./confinement.ts";
import { directoriesOf, findCopy } from "./copies.ts";
import { beginningOf, HEAD_BYTES, headMatches, sameBirth, tailAt } from "./identity.ts";
import { inodeKey, LogFile, type SourceSettings } from "./log-file.ts";
import { Listings } from "./listings.ts";
import { isMissing } from "./siblings.ts";

export interface ResumeContext {
  readonly store: CheckpointStore;
  /** The source that a path belongs to now: patterns may have changed, and sources been renamed. */
  readonly sourceOf: (path: string) => SourceSettings | undefined;
  readonly rootsOf: (source: SourceSettings) => Promise<readonly string[]>;
  /** The furthest durable position of any sink in a file. */
  readonly furthest: (id: number) => Position;
  readonly clock: Clock;
  /** Of more files the handles are closed again. */
  readonly maxOpenFiles: number;
  /** Whether the search is to end: what was not found by then counts as not to be had now. */
  readonly isToEnd: () => boolean;
  /** Told if several files hold the same content: of which file, which one is read, and the others. */
  readonly onAmbiguity: (path: string, chosen: string, others: readonly string[]) => void;
}

/** A file that is renamed under our eyes again and again is looked for so often. */
const MAX_ATTEMPTS = 5;

/**
 * Finds the files of the last run again, oldest first: at their paths, under other names of their directories, or as
 * copies of their content. What is found nowhere comes back as `gone`: the sinks then account for what they had not read.
 * Copies are looked for last, so that none takes a file that is another checkpoint's own.
 */
export async function resumeFiles(context: ResumeContext): Promise<readonly LogFile[]> {
  const { store, clock } = context;
  const claimed = new Set<string>();
  const files: LogFile[] = [];
  const listings = new Listings();
  let open = 0;
  for (const checkpoint of [...store.files.values()].sort((a, b) => a.id - b.id)) {
    const source = context.sourceOf(checkpoint.origin);
    if (source === undefined) {
      context.store.record({ kind: "forget", file: checkpoint.id });
      continue;
    }
    const file = restore(checkpoint, source, clock);
    const found = context.isToEnd() ? "unknown" : await findByInode(checkpoint, file, listings, context);
    if (found === "absent") {
      file.state = "gone";
    } else if (found === "unknown") {
      // Not to be had now: no permission, no descriptors, a volume that is not there yet. It is looked for later.
      file.state = checkpoint.rotated ? "rotated" : "live";
    } else {
      claimed.add(inodeKey(found.stats));
      await settle(file, checkpoint, found, context);
      open += 1;
      if (open > context.maxOpenFiles) await file.close();
    }
    files.push(file);
  }
  for (const file of files) {
    // Whether there is a copy is not known then, and so nothing is lost yet.
    if (file.state === "gone" && context.isToEnd()) file.state = "rotated";
    else if (file.state === "gone") await resumeFromCopy(file, claimed, context);
    // What it got meanwhile is seen now, and would be missed.
    if (hasChanged(file, store)) store.record({ kind: "file", file: file.checkpoint() });
  }
  return files;
}

function hasChanged({ id, size, path, identity }: LogFile, store: CheckpointStore): boolean {
  const known = store.files.get(id);
  return known?.size !== size || known.path !== path || known.identity.inode !== identity.inode;
}

function restore(checkpoint: FileCheckpoint, source: SourceSettings, clock: Clock): LogFile {
  const { id, stream, born, followedSince, origin, path, identity, size } = checkpoint;
  const file = new LogFile({
    id,
    source,
    stream,
    born,
    followedSince,
    origin,
    path,
    identity,
    size,
    mtimeNs: 0n,
    grownAtMs: clock.elapsed(),
  });
  file.format = checkpoint.format;
  file.starts = checkpoint.starts;
  file.streams = checkpoint.streams;
  file.target = checkpoint.target;
  return file;
}

/** The path is that of the checkpoint if that still leads to the file, if only through a link. */
type Found = Opened & { readonly path: string };

async function settle(file: LogFile, checkpoint: FileCheckpoint, found: Found, context: ResumeContext): Promise<void> {
  const { stats, path, realPath, archive } = found;
  const { clock } = context;
  file.hold(found);
  const { length, from } = checkpoint.identity.head;
  const mayHaveMore = length < HEAD_BYTES && (archive !== undefined || stats.size > length);
  const beginning =
    mayHaveMore || from !== undefined ? await beginningOf(contentOf(found), stats, from !== undefined) : undefined;
  const head = beginning?.head ?? checkpoint.identity.head;
  file.hole = beginning?.hole;
  file.identity = { device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs, head };
  // Of an empty file nothing was known: it may have been filled, copied and emptied, and what is in it now is younger.
  if (checkpoint.size === 0 && !checkpoint.rotated && path === checkpoint.path) file.born = stats.mtimeNs;
  if (archive === undefined) file.reach(Number(stats.size));
  else if (isPending(file, context.store)) await reachArchive(file, archive);
  file.mtimeNs = stats.mtimeNs;
  file.grownAtMs = clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs));
  file.state = checkpoint.rotated || path !== checkpoint.path ? "rotated" : "live";
  if (archive !== undefined) file.state = "final";
  file.path = path;
  file.target = realPath === path ? undefined : realPath;
}

/** The size of an archive's content is known from before, unless it is damaged. */
async function reachArchive(file: LogFile, archive: Archive): Promise<void> {
  const { size, expectedSize, damage } = await archive.scan();
  file.reach(size);
  if (damage !== undefined) file.damaged(expectedSize);
}

/** What came of looking for a file. Only a complete listing of its directory proves that it is absent. */
type Search<Result> = Result | "absent" | "unknown";

async function findByInode(
  checkpoint: FileCheckpoint,
  file: LogFile,
  listings: Listings,
  context: ResumeContext,
): Promise<Search<Found>> {
  const inPlace = await openIfSame(checkpoint.path, checkpoint, file, context);
  if (inPlace === "unknown") return "unknown";
  if (inPlace !== "absent") return { ...inPlace, path: checkpoint.path };
  let isUnsure = false;
  for (const directory of directoriesOf(file)) {
    const found = await findInDirectory(directory, checkpoint, file, listings, context);
    if (found === "unknown") isUnsure = true;
    else if (found !== "absent") return found;
  }
  return isUnsure ? "unknown" : "absent";
}

async function findInDirectory(
  directory: string,
  checkpoint: FileCheckpoint,
  file: LogFile,
  listings: Listings,
  context: ResumeContext,
): Promise<Search<Found>> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const listing = await listings.of(directory, await context.rootsOf(file.source));
    // What generations are moved to need not be there.
    if (listing === undefined)
      return directory !== dirname(file.path) && (await isMissing(directory)) ? "absent" : "unknown";
    const listed = listing.find(({ stats }) => isSameInode(checkpoint, stats));
    if (listed === undefined) return "absent";
    const opened = await openIfSame(listed.path, checkpoint, file, context);
    if (opened === "unknown") return "unknown";
    if (opened !== "absent") return { ...opened, path: listed.path };
    // Renamed since it was listed, or another one altogether: a fresh listing tells.
    listings.forget(directory);
  }
  return "absent";
}

/**
 * Whether the file at the path is the one of the checkpoint. The device number is left out: a volume that is mounted
 * again gets another one. Inode, birth time, size, head and the bytes before the furthest cursor must agree: what was
 * written anew while the agent was away may begin alike, and be as long.
 */
async function openIfSame(
  path: string,
  checkpoint: FileCheckpoint,
  file: LogFile,
  context: ResumeContext,
): Promise<Search<Opened>> {
  const opened = await openConfined(path, await context.rootsOf(file.source));
  if (opened.kind === "unreadable") return "unknown";
  // What must not be read there is another file.
  if (opened.kind !== "opened") return "absent";
  const { offset, tail } = context.furthest(checkpoint.id);
  const least = BigInt(Math.max(offset, checkpoint.size));
  const kept = await keepIf(
    opened,
    async ({ stats, archive }) =>
      isSameInode(checkpoint, stats) &&
      // An archive's size is not that of its content.
      (archive !== undefined || stats.size >= least) &&
      (await headMatches(contentOf(opened), checkpoint.identity.head)) &&
      // An archive is proved by more where it is read.
      (archive !== undefined || offset === 0 || (await tailAt(opened.handle, offset)) === tail),
  );
  return kept ?? "absent";
}

const isSameInode = ({ identity }: FileCheckpoint, stats: BigIntStats): boolean =>
  stats.ino === identity.inode && sameBirth(identity, stats);

async function resumeFromCopy(file: LogFile, claimed: Set<string>, context: ResumeContext): Promise<void> {
  const copy = await findCopy({
    file,
    position: context.furthest(file.id),
    roots: await context.rootsOf(file.source),
    isNeeded: isPending(file, context.store),
    isKnown: (stats) => claimed.has(inodeKey(stats)),
    onAmbiguity: (chosen, others) => context.onAmbiguity(file.path, chosen, others),
  });
  if (copy === undefined) return;
  claimed.add(inodeKey(copy.stats));
  file.continueIn(copy);
}

const isPending = ({ id, size }: LogFile, store: CheckpointStore): boolean =>
  [...store.cursors.values()].some((ofSink) => (ofSink.get(id)?.position.offset ?? size) < size);
