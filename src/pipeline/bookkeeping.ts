import type { CheckpointStore, Counters, LossCheckpoint } from "../core/checkpoint.ts";
import type { Emit } from "../core/events.ts";
import type { TrackedRange } from "./ack-tracker.ts";
import { addCounters, bytesOf, noCounters } from "./counters.ts";
import type { FileProgress } from "./progress.ts";

export interface BookkeepingOptions {
  /** The sink's name. */
  readonly name: string;
  readonly store: CheckpointStore;
  readonly emit: Emit;
}

/** Writes down how far one sink is and what it lost, and tells of the losses. */
export class Bookkeeping {
  readonly #options: BookkeepingOptions;
  /** What was told of accounts that do not add up: each is told when it changes. */
  readonly #imbalances = new WeakMap<FileProgress, number>();

  constructor(options: BookkeepingOptions) {
    this.#options = options;
  }

  /** Where the cursor stands. */
  record(progress: FileProgress): void {
    this.#options.store.record({ kind: "cursor", cursor: progress.checkpoint(this.#options.name) });
  }

  /** The cursor moved over ranges. The counters go with it into the same durable entry. */
  passed(progress: FileProgress, ranges: readonly TrackedRange[]): void {
    const { emit, name } = this.#options;
    this.record(progress);
    for (const { loss } of ranges) if (loss !== undefined) this.#lost(loss);
    const { imbalance: missingBytes, file } = progress;
    if (missingBytes !== (this.#imbalances.get(progress) ?? 0)) {
      emit({ kind: "sink.unbalanced", sink: name, path: file.path, missingBytes });
      this.#imbalances.set(progress, missingBytes);
    }
  }

  /** A file is out of use: its counters live on in the sink's totals. */
  forgotten({ counters }: FileProgress): void {
    const totals = this.#totals();
    addCounters(totals, counters);
    this.#recordTotals(totals);
  }

  /** Dead letters had to go: their bytes are lost from here on. Durable when it resolves; what is told twice counts once. */
  async evicted(losses: readonly LossCheckpoint[]): Promise<void> {
    const { store } = this.#options;
    const isKnown = (loss: LossCheckpoint): boolean =>
      store.losses.some(
        ({ sink, file, from, reason }) =>
          sink === loss.sink && file === loss.file && from === loss.from && reason === loss.reason,
      );
    const totals = this.#totals();
    for (const loss of losses) {
      if (isKnown(loss)) continue;
      totals.deadLetteredBytes -= bytesOf(loss);
      totals.lostBytes += bytesOf(loss);
      this.#lost(loss);
    }
    this.#recordTotals(totals);
    await store.flush();
  }

  #lost(loss: LossCheckpoint): void {
    this.#options.store.record({ kind: "loss", loss });
    this.#options.emit({ kind: "data.lost", loss });
  }

  #totals(): Counters {
    return { ...noCounters(), ...this.#options.store.totals.get(this.#options.name) };
  }

  #recordTotals(counters: Counters): void {
    this.#options.store.record({ kind: "totals", sink: this.#options.name, counters });
  }
}
