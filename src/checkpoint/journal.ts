import { type FileHandle, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointChange, CheckpointStore, StoreHealth } from "../core/checkpoint.ts";
import { describeError, errorCode, UserError } from "../core/errors.ts";
import { makeDirectory } from "../core/make-directory.ts";
import type { Emit } from "../core/events.ts";
import { encodeEntry } from "./entry.ts";
import { leadsTo, replaceJournal, writeAll } from "./journal-file.ts";
import { JOURNAL, loadState } from "./load-state.ts";
import { type CheckpointState, keyOf } from "./state.ts";

const DAMAGE = "records may be delivered twice, none is lost";

export interface JournalOptions {
  readonly directory: string;
  /** The journal is compacted when it has grown by this many bytes over its last snapshot, and by as much as that. */
  readonly compactAtBytes: number;
  readonly emit: Emit;
  /** Makes sure that no other agent writes to the directory; rejects if one may. */
  readonly hold?: () => Promise<void>;
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
  /** Why the last attempt to write failed; undefined if it did not. */
  #failure: string | undefined;
  #failures = 0;
  #flushing: Promise<void> = Promise.resolve();

  static async open(options: JournalOptions): Promise<Journal> {
    const path = join(options.directory, JOURNAL);
    const { state, current, damagedLines } = await loadState(options.directory);
    for (const line of damagedLines)
      options.emit({ kind: "checkpoint.damaged", file: path, line, consequence: DAMAGE });
    const journal = new Journal(
      options,
      state,
      state.highestId > 0 || current !== undefined,
      (current?.damagedLines.length ?? 0) > 0,
    );
    await journal.#begin();
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

  get streams() {
    return this.#state.streams;
  }

  get totals() {
    return this.#state.totals;
  }

  get losses() {
    return this.#state.losses;
  }

  get health(): StoreHealth {
    return { failure: this.#failure, failures: this.#failures, bytes: this.#size };
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

  get #path(): string {
    return join(this.#options.directory, JOURNAL);
  }

  /** A full or read-only disk must not keep the agent from shipping: it is told, and every flush tries again. */
  async #begin(): Promise<void> {
    try {
      await rm(`${this.#path}.new`, { force: true });
      await this.#compact();
    } catch (error) {
      if (errorCode(error) === undefined && !(error instanceof UserError)) throw error;
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const reason = describeError(error);
    if (this.#failure === undefined) this.#options.emit({ kind: "checkpoint.failed", reason });
    this.#failure = reason;
    this.#failures += 1;
  }

  async #flush(): Promise<void> {
    if (this.#dirty.size === 0 && this.#failure === undefined && (await this.#isInPlace())) return;
    const changes = new Map(this.#dirty);
    this.#dirty.clear();
    try {
      await this.#append([...changes.values()]);
    } catch (error) {
      // What was recorded meanwhile is newer: it wins, and comes later.
      const merged = new Map([...changes, ...this.#dirty]);
      this.#dirty.clear();
      for (const [key, change] of merged) this.#dirty.set(key, change);
      return this.#fail(error);
    }
    try {
      if (this.#size > this.#snapshotSize + Math.max(this.#options.compactAtBytes, this.#snapshotSize))
        await this.#compact();
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#failure !== undefined) this.#options.emit({ kind: "checkpoint.restored" });
    this.#failure = undefined;
  }

  async #append(changes: readonly CheckpointChange[]): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return this.#compact();
    try {
      if (changes.length > 0) await this.#write(handle, Buffer.from(encodeEntry(changes)));
    } catch (error) {
      if (await this.#isInPlace()) throw error;
    }
    if (!(await this.#isInPlace())) await this.#compact();
  }

  /** Somebody may have removed the file, or mounted another disk in its place: what is in it is durable for nobody. */
  async #isInPlace(): Promise<boolean> {
    return this.#handle !== undefined && (await leadsTo(this.#path, this.#handle));
  }

  async #write(handle: FileHandle, bytes: Buffer): Promise<void> {
    // An earlier write may have failed half way: cut what it left, so that no torn line stands inside the journal.
    if (this.#failure !== undefined) await handle.truncate(this.#size);
    await writeAll(handle, bytes, this.#size);
    await handle.datasync();
    this.#size += bytes.length;
  }

  async #compact(): Promise<void> {
    await makeDirectory(this.#options.directory, 0o700);
    await this.#options.hold?.();
    const { handle, size } = await replaceJournal(this.#path, this.#state);
    const former = this.#handle;
    this.#handle = handle;
    this.#size = size;
    this.#snapshotSize = size;
    await former?.close();
  }
}
