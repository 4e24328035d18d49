import { type FileHandle, link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CheckpointChange, CheckpointStore } from "../core/checkpoint.ts";
import { describeError, errorCode, unreachable } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { decodeLine, encodeEntry, encodeHeader } from "./entry.ts";
import { CheckpointState } from "./state.ts";

export const JOURNAL = "checkpoints.journal";

/** Changes a line of a snapshot holds: keeps lines and their buffers small when there are many files. */
const SNAPSHOT_LINE = 500;

export interface JournalOptions {
  readonly directory: string;
  /** The journal is compacted when it has grown by this many bytes over its last snapshot. */
  readonly compactAtBytes: number;
  readonly emit: Emit;
}

/**
 * The append-only journal of checkpoints.
 *
 * What survives which crash:
 * - in the middle of an append: the torn last line is cut; the entries before it stand.
 * - in the middle of a compaction: the new file has another name until it is complete and synced, then replaces the
 *   journal in one rename. The replaced journal stays as the previous copy.
 * - a damaged line: skipped. Changes are absolute, so the state falls back to the previous copy and the lines around
 *   it: some cursors are older than they were. That means duplicates, never loss.
 */
export class Journal implements CheckpointStore {
  readonly resumed: boolean;
  readonly damaged: boolean;
  readonly #options: JournalOptions;
  readonly #state: CheckpointState;
  readonly #dirty = new Map<string, CheckpointChange>();
  #handle: FileHandle | undefined;
  #nextId: number;
  /** Bytes of the journal that are known to be good; the next entry is written there. */
  #size = 0;
  #snapshotSize = 0;
  /** Changes recorded so far: tells apart those that never replace each other. */
  #recorded = 0;
  #failing = false;
  #flushing: Promise<void> = Promise.resolve();

  static async open(options: JournalOptions): Promise<Journal> {
    const path = join(options.directory, JOURNAL);
    await rm(`${path}.new`, { force: true });
    const current = await load(path);
    const state = new CheckpointState();
    // Lines after the snapshot are absolute changes of it: a damaged one costs their progress and nothing else. Without
    // the whole snapshot the previous copy is what there is to change.
    if (current?.isSnapshotWhole !== true) {
      const previous = await load(`${path}.previous`);
      for (const change of previous?.changes ?? []) state.apply(change);
      if (current === undefined && previous !== undefined) emitDamage(options, path, [1]);
    }
    emitDamage(options, path, current?.damagedLines ?? []);
    for (const change of current?.changes ?? []) if (isSafe(change, current)) state.apply(change);
    state.dropOrphans();
    const journal = new Journal(
      options,
      state,
      state.highestId > 0 || current !== undefined,
      (current?.damagedLines.length ?? 0) > 0,
    );
    await journal.#compact();
    return journal;
  }

  private constructor(options: JournalOptions, state: CheckpointState, resumed: boolean, damaged: boolean) {
    this.#options = options;
    this.#state = state;
    this.#nextId = state.highestId + 1;
    this.resumed = resumed;
    this.damaged = damaged;
  }

  get files() {
    return this.#state.files;
  }

  get cursors() {
    return this.#state.cursors;
  }

  get totals() {
    return this.#state.totals;
  }

  get losses() {
    return this.#state.losses;
  }

  nextFileId(): number {
    return this.#nextId++;
  }

  record(change: CheckpointChange): void {
    this.#state.apply(change);
    this.#dirty.set(keyOf(change, (this.#recorded += 1)), change);
  }

  /** Never rejects: an entry that could not be written stays remembered, raises one event and is tried again by the next flush. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush());
    return this.#flushing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #flush(): Promise<void> {
    if (this.#dirty.size === 0) return;
    const changes = new Map(this.#dirty);
    this.#dirty.clear();
    try {
      await this.#append(encodeEntry([...changes.values()]));
      if (this.#failing) this.#options.emit({ kind: "checkpoint.restored" });
      this.#failing = false;
      if (this.#size > this.#snapshotSize + this.#options.compactAtBytes) await this.#compact();
    } catch (error) {
      // What was recorded meanwhile is newer and wins.
      for (const [key, change] of changes) if (!this.#dirty.has(key)) this.#dirty.set(key, change);
      if (!this.#failing) this.#options.emit({ kind: "checkpoint.failed", reason: describeError(error) });
      this.#failing = true;
    }
  }

  async #append(line: string): Promise<void> {
    if (this.#handle === undefined) return this.#compact();
    const bytes = Buffer.from(line);
    // An earlier write may have failed half way: cut what it left, so that no torn line stands inside the journal.
    if (this.#failing) await this.#handle.truncate(this.#size);
    await writeAll(this.#handle, bytes, this.#size);
    await this.#handle.datasync();
    this.#size += bytes.length;
    // Somebody removed the file: what is written to it is durable for nobody.
    if ((await this.#handle.stat()).nlink === 0) await this.#compact();
  }

  async #compact(): Promise<void> {
    const path = join(this.#options.directory, JOURNAL);
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    const handle = await open(`${path}.new`, "w", 0o600);
    let size = 0;
    try {
      for (const line of snapshotOf(this.#state)) {
        const bytes = Buffer.from(line);
        await writeAll(handle, bytes, size);
        size += bytes.length;
      }
      await handle.sync();
      await keepPrevious(path);
      await rename(`${path}.new`, path);
      await syncDirectory(dirname(path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    await this.#handle?.close();
    this.#handle = handle;
    this.#size = size;
    this.#snapshotSize = size;
  }
}

/** Where a change is a newer value of the same thing, it has the same key, so one entry holds only the latest. */
function keyOf(change: CheckpointChange, unique: number): string {
  switch (change.kind) {
    case "file":
      return `file ${change.file.id}`;
    case "cursor":
      return `cursor ${change.cursor.file} ${change.cursor.sink}`;
    case "totals":
      return `totals ${change.sink}`;
    case "forget":
      return `forget ${change.file}`;
    case "loss":
      return `loss ${unique}`;
    case "highestId":
      return "highestId";
    default:
      return unreachable(change);
  }
}

function* snapshotOf(state: CheckpointState): Generator<string> {
  const changes = [...state.snapshot()];
  yield encodeHeader(Math.ceil(changes.length / SNAPSHOT_LINE));
  for (let at = 0; at < changes.length; at += SNAPSHOT_LINE) yield encodeEntry(changes.slice(at, at + SNAPSHOT_LINE));
}

/**
 * Beside the previous copy, which still has the files that were forgotten since, the newer totals would count those twice:
 * then both are left out, and the files are found absent and forgotten again.
 */
const isSafe = (change: CheckpointChange, loaded: Loaded | undefined): boolean =>
  loaded?.isSnapshotWhole === true || (change.kind !== "totals" && change.kind !== "forget");

function emitDamage({ emit }: JournalOptions, file: string, lines: readonly number[]): void {
  const consequence = "records may be delivered twice, none is lost";
  for (const line of lines) emit({ kind: "checkpoint.damaged", file, line, consequence });
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

interface Loaded {
  readonly changes: readonly CheckpointChange[];
  /** Numbers of the damaged lines, from 1. */
  readonly damagedLines: readonly number[];
  readonly isSnapshotWhole: boolean;
}

async function load(path: string): Promise<Loaded | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
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
    isSnapshotWhole: decoded.length >= snapshotEnd && !damagedLines.some((line) => line <= snapshotEnd),
  };
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const result = await handle.write(bytes, written, bytes.length - written, position + written);
    written += result.bytesWritten;
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
