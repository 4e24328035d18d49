/*
 * A long file: the ways of a batch to its outcome (whole, halved, narrowed, buried) call each other.
 */
import pRetry from "p-retry";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Clock } from "../core/clock.ts";
import { unreachable } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Sink } from "../core/sink.ts";
import type { Batch } from "./batch.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Gate } from "./gate.ts";
import { Rejections } from "./rejections.ts";

export interface DeliveryOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly gate: Gate;
  readonly deadLetters: DeadLetters;
  readonly pool: BufferPool;
  readonly encoder: BodyEncoder;
  readonly clock: Clock;
  readonly emit: Emit;
}

type Terminal = Exclude<Outcome, { kind: "retry" | "blocked" }>;

/** Carries a failed attempt through p-retry, which knows failures only as exceptions. Never leaves this module. */
class AttemptFailed extends Error {
  override readonly name = "AttemptFailed";
  readonly outcome: Outcome & { kind: "retry" | "blocked" };

  constructor(outcome: Outcome & { kind: "retry" | "blocked" }) {
    super(outcome.reason);
    this.outcome = outcome;
  }
}

/** How long a dead-letter store that is full or failing is left alone. */
const DEAD_LETTERS_RETRY_MS = 5_000;

/** Bodies are guessed a little larger than they become: to make one larger costs a copy. */
const GUESS_FACTOR = 1.05;

/** How much the latest batch counts in the running ratio of encoded to raw bytes. */
const RATIO_WEIGHT = 0.1;

/**
 * Brings the records of a batch to their terminal outcomes: delivered, or in the dead letters. Retries for as long as it
 * takes, halves what is too large, narrows what was rejected to the guilty record.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #rejections = new Rejections();
  #ratio = 1.3;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Bytes of log that fill a request of this sink, as the batches so far were encoded. */
  get bytesPerRequest(): number {
    return (0.95 * this.#options.sink.limits.maxBytes) / this.#ratio;
  }

  /** Resolves with true when each record has its terminal outcome; with false if it was stopped before that. */
  deliver(batch: Batch, signal: AbortSignal): Promise<boolean> {
    return this.#deliver(batch, 0, batch.records.length, signal);
  }

  async #deliver(batch: Batch, from: number, to: number, signal: AbortSignal): Promise<boolean> {
    if (from >= to) return true;
    const { encoder, pool, sink } = this.#options;
    const whole = from === 0 && to === batch.records.length;
    const records = whole ? batch.records : batch.records.slice(from, to);
    const part = records.length / batch.records.length;
    const body = encoder.encode(sink, records, GUESS_FACTOR * this.#ratio * batch.bytes * part);
    if (whole && batch.bytes > 0) {
      this.#ratio += RATIO_WEIGHT * (body.length / batch.bytes - this.#ratio);
    }
    const fits = body.length <= sink.limits.maxBytes && to - from <= sink.limits.maxRecords;
    const outcome: Terminal | undefined =
      !fits && to - from > 1
        ? { kind: "tooLarge", reason: "over the sink's limit" }
        : await this.#attempt(body, to - from === 1, signal);
    // An attempt that was abandoned may still be reading it.
    if (!signal.aborted) pool.give(body);
    switch (outcome?.kind) {
      case "delivered":
        this.#rejections.add(to - from, false);
        return true;
      case "tooLarge":
        return to - from > 1 ? this.#halves(batch, from, to, signal) : this.#bury(batch, from, outcome.reason, signal);
      case "rejected":
        return this.#narrow(batch, from, to, outcome, signal);
      case "ended":
      case undefined:
        return false;
      default:
        return unreachable(outcome);
    }
  }

  async #halves(batch: Batch, from: number, to: number, signal: AbortSignal): Promise<boolean> {
    const middle = (from + to) >> 1;
    return (await this.#deliver(batch, from, middle, signal)) && this.#deliver(batch, middle, to, signal);
  }

  /** Finds the guilty record: the sink names it, or bisection does. */
  async #narrow(
    batch: Batch,
    from: number,
    to: number,
    { firstBad, reason }: Outcome & { kind: "rejected" },
    signal: AbortSignal,
  ): Promise<boolean> {
    if (firstBad !== undefined && Number.isInteger(firstBad) && firstBad >= 0 && firstBad < to - from) {
      // What stands before it was taken, and must not be sent again.
      this.#rejections.add(firstBad, false);
      const bad = from + firstBad;
      return (await this.#refused(batch, bad, reason, signal)) && this.#deliver(batch, bad + 1, to, signal);
    }
    return to - from > 1 ? this.#halves(batch, from, to, signal) : this.#refused(batch, from, reason, signal);
  }

  async #refused(batch: Batch, index: number, reason: string, signal: AbortSignal): Promise<boolean> {
    this.#rejections.add(1, true);
    return this.#rejections.isMass
      ? this.#deliver(batch, index, index + 1, signal)
      : this.#bury(batch, index, reason, signal);
  }

  /** Puts one record among the dead letters. */
  async #bury(batch: Batch, index: number, reason: string, signal: AbortSignal): Promise<boolean> {
    const { name, emit } = this.#options;
    const record = batch.records[index];
    if (record === undefined) throw new Error(`the batch has no record ${index}`);
    if (!(await this.#keep(record, reason, signal))) return false;
    const { counters } = batch.sliceOf(index).range;
    // Of a record that was split, the first part stands for the whole.
    const records = record.length > 0 ? 1 : 0;
    counters.deliveredBytes -= record.length;
    counters.deliveredRecords -= records;
    counters.deadLetteredBytes += record.length;
    counters.deadLetteredRecords += records;
    emit({ kind: "sink.deadLettered", sink: name, records: 1, reason });
    return true;
  }

  /** The cursor may not pass a record that is nowhere: while the store can't take it, the batch waits. */
  async #keep(record: Batch["records"][number], reason: string, signal: AbortSignal): Promise<boolean> {
    const { deadLetters, name, emit, clock } = this.#options;
    for (let reported = ""; !signal.aborted; await clock.sleep(DEAD_LETTERS_RETRY_MS, signal)) {
      const result = await deadLetters.append(record, reason);
      if (result.kind === "kept") return true;
      const problem = result.kind === "full" ? `its ${deadLetters.maxBytes} bytes are full` : result.reason;
      if (problem !== reported) emit({ kind: "sink.deadLettersStuck", sink: name, reason: problem });
      reported = problem;
    }
    return false;
  }

  /** Attempts until the outcome is terminal. Undefined if `signal` aborted first. */
  async #attempt(body: Buffer, isSingle: boolean, signal: AbortSignal): Promise<Terminal | undefined> {
    const { gate, sink } = this.#options;
    await gate.enter(signal);
    if (signal.aborted) return undefined;
    try {
      return await pRetry(() => this.#attemptOnce(body, isSingle, signal), {
        retries: Number.POSITIVE_INFINITY,
        // The back-off belongs to the sink's gate; p-retry's own would come on top of it.
        minTimeout: 0,
        signal,
        // Anything else that was thrown is a bug, and no attempt mends it.
        shouldRetry: ({ error }) => error instanceof AttemptFailed,
        onFailedAttempt: async ({ error }) => {
          if (!(error instanceof AttemptFailed)) return;
          await gate.enter(signal);
          if (error.outcome.kind === "blocked") await sink.refresh?.();
        },
      });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  async #attemptOnce(body: Buffer, isSingle: boolean, signal: AbortSignal): Promise<Terminal> {
    const { clock, gate, sink } = this.#options;
    const startedMs = clock.elapsed();
    const outcome = this.#suspectSetting(await sink.send(body, signal), isSingle);
    signal.throwIfAborted();
    gate.settle(outcome, clock.elapsed() - startedMs);
    if (outcome.kind === "retry" || outcome.kind === "blocked") throw new AttemptFailed(outcome);
    return outcome;
  }

  /**
   * When most records are refused, the refusal of one more says more about a setting than about that record: it blocks
   * until that is mended. A batch is narrowed first, for its good records may prove that the setting is fine.
   */
  #suspectSetting(outcome: Outcome, isSingle: boolean): Outcome {
    if (outcome.kind !== "rejected" || !isSingle || !this.#rejections.isMass) return outcome;
    return { kind: "blocked", reason: `massRejection: most of the last records were refused: ${outcome.reason}` };
  }
}
