import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { Digest } from "./digest.ts";
import { recordAt, type Shipment } from "./shipment.ts";

/** How long a dead-letter store that is full or failing is left alone. */
const DEAD_LETTERS_RETRY_MS = 5_000;

export interface BurialOptions {
  readonly name: string;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Brings the condemned records of batches to the dead letters, moves their bytes in the account, and tells of them. */
export class Burial {
  readonly #options: BurialOptions;
  /** Batches whose letters the store does not take at present. */
  #waiting = 0;
  readonly #digest: Digest;

  constructor(options: BurialOptions) {
    const { clock, emit, name } = options;
    this.#options = options;
    this.#digest = new Digest(clock, (records, reason) =>
      emit({ kind: "sink.deadLettered", sink: name, records, reason }),
    );
  }

  /** Whether a batch waits because the store is full or failing. */
  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /** Puts the condemned records among the dead letters, all at once. */
  async bury({ batch, condemned, signal }: Shipment): Promise<boolean> {
    if (condemned.length === 0) return true;
    const letters = condemned.map(({ index, verdict }) => {
      return { ...verdict, record: recordAt(batch, index), generation: batch.sourceOf(index).generation };
    });
    this.#waiting += 1;
    const isKept = await this.#keep(letters, signal).finally(() => (this.#waiting -= 1));
    if (!isKept) return false;
    let buried = 0;
    for (const { index } of condemned) {
      const { length } = recordAt(batch, index);
      const { counters } = batch.sourceOf(index);
      // Of a record that was split, the first part stands for the whole.
      const records = length > 0 ? 1 : 0;
      counters.deliveredBytes -= length;
      counters.deliveredRecords -= records;
      counters.deadLetteredBytes += length;
      counters.deadLetteredRecords += records;
      buried += records;
    }
    this.#digest.add(buried, condemned.at(-1)?.verdict.reason ?? "", signal);
    return true;
  }

  /** The cursor may not pass a record that is nowhere: while the store can't take it, the batch waits. */
  async #keep(letters: Parameters<DeadLetters["append"]>[0], signal: AbortSignal): Promise<boolean> {
    const { deadLetters, name, emit, clock } = this.#options;
    for (let reported = ""; !signal.aborted; await clock.sleep(DEAD_LETTERS_RETRY_MS, signal)) {
      const result = await deadLetters.append(letters);
      if (result.kind === "kept") return true;
      const problem = result.kind === "full" ? `its ${deadLetters.maxBytes} bytes are full` : result.reason;
      if (problem !== reported) emit({ kind: "sink.deadLettersStuck", sink: name, reason: problem });
      reported = problem;
    }
    return false;
  }
}
