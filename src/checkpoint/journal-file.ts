import { type FileHandle, link, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { CheckpointChange } from "../core/checkpoint.ts";
import { describeError, errorCode, UserError } from "../core/errors.ts";
import { decodeLine, encodeEntry, encodeHeader } from "./entry.ts";
import type { CheckpointState } from "./state.ts";

/** A journal that is open for appending. */
export interface OpenJournal {
  readonly handle: FileHandle;
  /** Bytes. */
  readonly size: number;
}

/** Changes a line of a snapshot holds: keeps lines and their buffers small when there are many files. */
const SNAPSHOT_LINE = 500;

/** Puts a journal of the state in the place of the one before, or of none, in one step. */
export async function replaceJournal(path: string, state: CheckpointState): Promise<OpenJournal> {
  const handle = await open(`${path}.new`, "w", 0o600);
  let size = 0;
  try {
    for (const line of snapshotOf(state)) {
      const bytes = Buffer.from(line);
      await writeAll(handle, bytes, size);
      size += bytes.length;
    }
    await handle.sync();
    await keepPrevious(path);
    await rename(`${path}.new`, path);
    await syncDirectory(dirname(path));
    return { handle, size };
  } catch (error) {
    await handle.close();
    // On a full disk entries may still fit in where it stood.
    await rm(`${path}.new`, { force: true });
    throw error;
  }
}

function* snapshotOf(state: CheckpointState): Generator<string> {
  const changes = [...state.snapshot()];
  yield encodeHeader(Math.ceil(changes.length / SNAPSHOT_LINE));
  for (let at = 0; at < changes.length; at += SNAPSHOT_LINE) yield encodeEntry(changes.slice(at, at + SNAPSHOT_LINE));
}

/** The journal as it was stays under another name. A hard link first: at no moment is there no journal. */
async function keepPrevious(path: string): Promise<void> {
  await rm(`${path}.previous.new`, { force: true });
  try {
    await link(path, `${path}.previous.new`);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return; // the first journal of this directory
    throw error;
  }
  await rename(`${path}.previous.new`, `${path}.previous`);
}

/** A journal as it was found. */
export interface LoadedJournal {
  readonly changes: readonly CheckpointChange[];
  /** Numbers of the damaged lines, from 1. */
  readonly damagedLines: readonly number[];
  readonly isSnapshotWhole: boolean;
  /** Whether the last line has no end: a kill cut it, or it is being written. It is among the damaged ones. */
  readonly isTorn: boolean;
}

/** Reads a journal; undefined if there is none. */
export async function loadJournal(path: string): Promise<LoadedJournal | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new UserError(`the checkpoints can't be read: ${describeError(error)}; whoever runs tailcar must own them`);
  }
  const lines = text.split("\n");
  const tail = lines.pop();
  const decoded = lines.map(decodeLine);
  const damagedLines = decoded.flatMap((line, index) => (line.kind === "damaged" ? [index + 1] : []));
  if (tail !== "") damagedLines.push(lines.length + 1);
  const [header] = decoded;
  if (header === undefined && tail === "") damagedLines.push(1);
  const snapshotEnd = header?.kind === "header" ? 1 + header.snapshotLines : Number.POSITIVE_INFINITY;
  return {
    changes: decoded.flatMap((line) => (line.kind === "entry" ? line.changes : [])),
    damagedLines,
    isTorn: tail !== "",
    isSnapshotWhole: decoded.length >= snapshotEnd && !damagedLines.some((line) => line <= snapshotEnd),
  };
}

export async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const result = await handle.write(bytes, written, bytes.length - written, position + written);
    written += result.bytesWritten;
  }
}

/** Whether the path leads to the open file. */
export async function leadsTo(path: string, handle: FileHandle): Promise<boolean> {
  try {
    const [there, open] = await Promise.all([stat(path, { bigint: true }), handle.stat({ bigint: true })]);
    return there.dev === open.dev && there.ino === open.ino;
  } catch (error) {
    // Gone, or on a file system that is: one of the two leads nowhere.
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
