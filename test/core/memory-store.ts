import type { CheckpointChange, CheckpointStore } from "../../src/core/checkpoint.ts";
import { CheckpointState } from "../../src/checkpoint/state.ts";

/** A checkpoint store without a disk. It keeps what was recorded, and how often it was made durable. */
export class MemoryStore implements CheckpointStore {
  readonly #state = new CheckpointState();
  readonly recorded: CheckpointChange[] = [];
  resumed = false;
  damaged = false;
  readonly health = { failures: 0, bytes: 0 };
  flushes = 0;
  #nextId = 1;

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

  nextFileId(): number {
    return this.#nextId++;
  }

  record(change: CheckpointChange): void {
    this.#state.apply(change);
    this.recorded.push(change);
  }

  async flush(): Promise<void> {
    this.flushes += 1;
  }

  async close(): Promise<void> {
    await this.flush();
  }
}
