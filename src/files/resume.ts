import { dirname } from "node:path";
import type { FileCheckpoint, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { openConfined, type OpenResult } from "./confinement.ts";
import { headMatches, sameBirth } from "./identity.ts";
import { LogFile, type SourceSettings } from "./log-file.ts";
import { findCopy, regularFiles } from "./siblings.ts";

export interface ResumeContext {
  readonly source: SourceSettings;
  /** The furthest durable position of any sink in the file. */
  readonly position: Position;
  readonly roots: readonly string[];
  readonly clock: Clock;
}

type Opened = OpenResult & { kind: "opened" };

/** `inPlace`: the path of the checkpoint still leads to it, if only through a link. */
type Found = Opened & { readonly inPlace: boolean };

/**
 * Finds a file of the last run again: at its path, under another name of its directory, or as a copy of its content.
 * What is found nowhere comes back as `gone`: the sinks then account for what they had not read.
 */
export async function resolveCheckpoint(checkpoint: FileCheckpoint, context: ResumeContext): Promise<LogFile> {
  const { clock, source } = context;
  const { id, stream, origin, path, identity, size } = checkpoint;
  const file = new LogFile({
    id,
    source,
    stream,
    origin,
    path,
    identity,
    size,
    mtimeNs: 0n,
    grownAtMs: clock.elapsed(),
  });
  file.format = checkpoint.format;
  const found = (await findByInode(checkpoint, context)) ?? (await findByContent(file, context));
  if (found === undefined) {
    file.state = "gone";
    return file;
  }
  const { handle, stats, realPath } = found;
  file.handle = handle;
  file.path = found.inPlace ? path : realPath;
  file.identity = { device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs, head: identity.head };
  file.size = Math.max(size, Number(stats.size));
  file.mtimeNs = stats.mtimeNs;
  file.grownAtMs = clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs));
  file.state = checkpoint.rotated || file.path !== path ? "rotated" : "live";
  return file;
}

async function findByInode(checkpoint: FileCheckpoint, context: ResumeContext): Promise<Found | undefined> {
  const inPlace = await openIfSame(checkpoint.path, checkpoint, context);
  if (inPlace !== undefined) return { ...inPlace, inPlace: true };
  for (const { path, stats } of await regularFiles(dirname(checkpoint.path))) {
    if (stats.ino !== checkpoint.identity.inode) continue;
    const opened = await openIfSame(path, checkpoint, context);
    if (opened !== undefined) return { ...opened, inPlace: false };
  }
  return undefined;
}

async function findByContent(file: LogFile, { position, roots }: ResumeContext): Promise<Found | undefined> {
  const copy = await findCopy({ file, position, roots, isKnown: () => false });
  return copy && { ...copy, inPlace: false };
}

/**
 * Whether the file at the path is the one of the checkpoint. The device number is left out: a volume that is mounted
 * again gets another one. Inode, birth time, size and head must agree; the bytes before a cursor are checked when read.
 */
async function openIfSame(
  path: string,
  checkpoint: FileCheckpoint,
  { roots, position }: ResumeContext,
): Promise<Opened | undefined> {
  const opened = await openConfined(path, roots);
  if (opened.kind !== "opened") return undefined;
  const { identity } = checkpoint;
  const { stats, handle } = opened;
  const same =
    stats.ino === identity.inode &&
    sameBirth(identity, stats) &&
    stats.size >= BigInt(Math.max(position.offset, checkpoint.size)) &&
    (await headMatches(handle, identity.head));
  if (same) return opened;
  await handle.close();
  return undefined;
}
