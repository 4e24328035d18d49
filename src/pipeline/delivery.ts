/*
 * A long file: the ways of a batch from its first attempt to the outcome of each record call each other.
 */
import pRetry from "p-retry";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Counters } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { unreachable } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import type { Outcome, Receipt } from "../core/outcome.ts";
import type { Sink } from "../core/sink.ts";
import type { LogRecord } from "../core/record.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import type { Verdict } from "./dead-letter.ts";
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
  /** What has been failing for this long goes to the dead letters. Milliseconds; without it nothing ever does. */
  readonly giveUpAfterMs?: number | undefined;
  /** Set where most records may well be refused, as dead letters may again: that says nothing about the settings then. */
  readonly expectsRefusals?: boolean;
}

/** What is delivered as a whole: a batch, or a part of the dead letters. */
export interface Deliverable {
  readonly records: readonly LogRecord[];
  /** Bytes of the log files in it. */
  readonly bytes: number;
  /** Where a record came from: its file's number, and the counters that its bytes are in as delivered. */
  sourceOf(index: number): { readonly generation: number; readonly counters: Counters };
}

/** What follows an attempt that is not made again. */
type Terminal =
  | Exclude<Outcome, { kind: "retry" | "blocked" }>
  /** It failed again and again while others succeeded: something in it may be to blame. */
  | { readonly kind: "suspect" }
  /** The user does not want it to be tried any longer. */
  | { readonly kind: "gaveUp"; readonly reason: string };

/** A batch on its way, and the records of it that can't be delivered. */
interface Shipment {
  readonly batch: Deliverable;
  readonly signal: AbortSignal;
  readonly startedMs: number;
  /** Of requests that were taken and are not confirmed yet. */
  readonly receipts: Receipt[];
  readonly condemned: { readonly index: number; readonly verdict: Verdict }[];
  /** Whether its place was given to another batch. */
  stoodAside: boolean;
}

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
/** Failures in a row after which a batch is suspected, if others succeed meanwhile. */
const SUSPECT_AFTER = 10;

/** Dead letters are told at most this often; the event sums up. */
const TELL_MS = 10_000;

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
  /** Requests that were delivered so far. */
  #successes = 0;
  /** Dead letters that no event has told of yet. */
  #untold = { records: 0, reason: "" };
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Bytes of log that fill a request of this sink, as the batches so far were encoded. */
  get bytesPerRequest(): number {
    return (0.95 * this.#options.sink.limits.maxBytes) / this.#ratio;
  }

  /**
   * Resolves with true when each record has its terminal outcome; with false if it was stopped before that. `received` is
   * called when the receiver has taken all but not confirmed it: the records are not needed any more, nor is a place in the
   * gate, while `heldBytes` of memory are.
   */
  async deliver(
    batch: Deliverable,
    signal: AbortSignal,
    received: (heldBytes: number) => void = () => {},
  ): Promise<boolean> {
    const startedMs = this.#options.clock.elapsed();
    const shipment: Shipment = { batch, signal, startedMs, receipts: [], condemned: [], stoodAside: false };
    try {
      const isDone = (await this.#deliver(shipment, 0, batch.records.length)) && (await this.#bury(shipment));
      if (!isDone || shipment.receipts.length === 0) return isDone;
    } finally {
      if (shipment.stoodAside) this.#options.gate.comeBack();
    }
    received(shipment.receipts.reduce((sum, { heldBytes }) => sum + heldBytes, 0));
    const confirmed = await Promise.all(shipment.receipts.map((receipt) => this.#confirm(receipt, signal)));
    return confirmed.every(Boolean);
  }

  /** Waits until what was taken is safe; what is lost on the way is sent again. False if it was stopped before that. */
  async #confirm(receipt: Receipt, signal: AbortSignal): Promise<boolean> {
    for (let current: Receipt | undefined = receipt; current !== undefined;) {
      if (await unlessAborted(current.settled, signal)) return true;
      if (!(await this.#options.gate.acquire(signal))) return false;
      try {
        const outcome = await this.#resend(current, signal);
        if (outcome?.kind === "delivered") return true;
        current = outcome?.kind === "received" ? outcome.receipt : undefined;
      } finally {
        this.#options.gate.release();
      }
    }
    return false;
  }

  /** Attempts until it is taken again. Undefined if `signal` aborted first, or nobody is there any more. */
  async #resend(receipt: Receipt, signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock, gate, sink } = this.#options;
    for (let isBlocked = false; ;) {
      await gate.enter(signal);
      if (signal.aborted) return undefined;
      if (isBlocked) await sink.refresh?.();
      const startedMs = clock.elapsed();
      const outcome = refusedLater(await receipt.resend(signal));
      if (signal.aborted) return undefined;
      gate.settle(outcome, clock.elapsed() - startedMs);
      if (outcome.kind === "ended") return undefined;
      if (outcome.kind !== "retry" && outcome.kind !== "blocked") return outcome;
      isBlocked = outcome.kind === "blocked";
    }
  }

  async #deliver(shipment: Shipment, from: number, to: number): Promise<boolean> {
    if (from >= to) return true;
    const { batch } = shipment;
    const { pool, sink } = this.#options;
    const body = this.#encode(batch, from, to);
    if (to - from === batch.records.length && batch.bytes > 0) {
      this.#ratio += RATIO_WEIGHT * (body.length / batch.bytes - this.#ratio);
    }
    const fits = body.length <= sink.limits.maxBytes && to - from <= sink.limits.maxRecords;
    let outcome: Terminal | undefined = { kind: "tooLarge", reason: "over the sink's limit" };
    if (fits || to - from === 1) outcome = await this.#attempt(shipment, from, to, body);
    else pool.give(body);
    switch (outcome?.kind) {
      case "delivered":
        this.#taken(shipment, from, to);
        return true;
      case "received":
        this.#taken(shipment, from, to);
        shipment.receipts.push(outcome.receipt);
        return true;
      case "tooLarge":
        return to - from > 1 ? this.#halves(shipment, from, to) : condemn(shipment, from, to, outcome);
      case "rejected":
        return this.#narrow(shipment, from, to, outcome);
      case "suspect":
        return this.#separate(shipment, from, to);
      case "gaveUp":
        return condemn(shipment, from, to, outcome);
      case "ended":
      case undefined:
        return false;
      default:
        return unreachable(outcome);
    }
  }

  #encode(batch: Deliverable, from: number, to: number): Buffer {
    const { encoder, sink } = this.#options;
    const whole = to - from === batch.records.length;
    const records = whole ? batch.records : batch.records.slice(from, to);
    const part = records.length / batch.records.length;
    return encoder.encode(sink, records, GUESS_FACTOR * this.#ratio * batch.bytes * part);
  }

  #taken({ batch }: Shipment, from: number, to: number): void {
    const { sink } = this.#options;
    this.#rejections.add(to - from, false);
    if (sink.isLate === undefined) return;
    for (let index = from; index < to; index += 1) {
      const record = recordAt(batch, index);
      // Of a record that was split, the first part stands for the whole.
      if (record.length > 0 && sink.isLate(record)) batch.sourceOf(index).counters.lateRecords += 1;
    }
  }

  async #halves(shipment: Shipment, from: number, to: number): Promise<boolean> {
    const middle = (from + to) >> 1;
    return (await this.#deliver(shipment, from, middle)) && this.#deliver(shipment, middle, to);
  }

  /** Halves at the same time, for the guilty one may hold its own up for ever. */
  async #separate(shipment: Shipment, from: number, to: number): Promise<boolean> {
    const middle = (from + to) >> 1;
    const halves = [this.#deliver(shipment, from, middle), this.#deliver(shipment, middle, to)];
    // Nothing may work on a batch that has come to its end.
    await Promise.allSettled(halves);
    return (await Promise.all(halves)).every(Boolean);
  }

  /** Finds the guilty record: the sink names it, or bisection does. */
  async #narrow(
    shipment: Shipment,
    from: number,
    to: number,
    rejection: Outcome & { kind: "rejected" },
  ): Promise<boolean> {
    const { firstBad } = rejection;
    if (firstBad !== undefined && Number.isInteger(firstBad) && firstBad >= 0 && firstBad < to - from) {
      // What stands before it was taken, and must not be sent again.
      this.#taken(shipment, from, from + firstBad);
      const bad = from + firstBad;
      return (await this.#refused(shipment, bad, rejection)) && this.#deliver(shipment, bad + 1, to);
    }
    return to - from > 1 ? this.#halves(shipment, from, to) : this.#refused(shipment, from, rejection);
  }

  async #refused(shipment: Shipment, index: number, verdict: Verdict): Promise<boolean> {
    this.#rejections.add(1, this.#options.expectsRefusals !== true);
    return this.#rejections.isMass
      ? this.#deliver(shipment, index, index + 1)
      : condemn(shipment, index, index + 1, verdict);
  }

  /** Puts the condemned records among the dead letters, all at once. */
  async #bury({ batch, condemned, signal }: Shipment): Promise<boolean> {
    if (condemned.length === 0) return true;
    const letters = condemned.map(({ index, verdict }) => {
      return { ...verdict, record: recordAt(batch, index), generation: batch.sourceOf(index).generation };
    });
    if (!(await this.#keep(letters, signal))) return false;
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
    this.#tell(buried, condemned.at(-1)?.verdict.reason ?? "", signal);
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

  /** The first are told at once; what follows soon is summed up. */
  #tell(records: number, reason: string, signal: AbortSignal): void {
    const { clock } = this.#options;
    const isScheduled = this.#untold.records > 0;
    this.#untold = { records: this.#untold.records + records, reason };
    if (isScheduled) return;
    const waitMs = this.#toldMs + TELL_MS - clock.elapsed();
    if (waitMs <= 0) this.#tellUntold();
    else void clock.sleep(waitMs, signal).then(() => this.#tellUntold());
  }

  #tellUntold(): void {
    const { clock, emit, name } = this.#options;
    const { records, reason } = this.#untold;
    this.#untold = { records: 0, reason: "" };
    this.#toldMs = clock.elapsed();
    if (records > 0) emit({ kind: "sink.deadLettered", sink: name, records, reason });
  }

  /** Attempts until the outcome is terminal. Undefined if `signal` aborted first. The body is given back to the pool. */
  async #attempt(shipment: Shipment, from: number, to: number, body: Buffer): Promise<Terminal | undefined> {
    const { clock, gate, pool, sink } = this.#options;
    const { batch, signal } = shipment;
    const { bodyLastsMs = Number.POSITIVE_INFINITY } = sink;
    let current = body;
    let encodedMs = clock.elapsed();
    const row = { failures: 0, successesBefore: 0 };
    await gate.enter(signal);
    if (signal.aborted) return undefined;
    try {
      return await pRetry(
        async () => {
          if (clock.elapsed() - encodedMs > bodyLastsMs) {
            pool.give(current);
            current = this.#encode(batch, from, to);
            encodedMs = clock.elapsed();
          }
          const outcome = await this.#attemptOnce(current, to - from === 1, signal);
          if (outcome.kind !== "retry" && outcome.kind !== "blocked") return outcome;
          const end = outcome.kind === "retry" ? this.#giveUp(shipment, from, to, row, outcome.reason) : undefined;
          if (end !== undefined) return end;
          throw new AttemptFailed(outcome);
        },
        {
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
        },
      );
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      // An attempt that was abandoned may still be reading it.
      if (!signal.aborted) pool.give(current);
    }
  }

  /**
   * Whether a request that failed again is not tried as it stands any more. Failing while others of the sink succeed, it is
   * halved, so that what is good in it gets through. A single record is tried for ever, unless the user has set a limit:
   * a transient failure never condemns by itself.
   */
  #giveUp(
    shipment: Shipment,
    from: number,
    to: number,
    row: { failures: number; successesBefore: number },
    reason: string,
  ): Terminal | undefined {
    const { clock, emit, gate, giveUpAfterMs, name } = this.#options;
    if (giveUpAfterMs !== undefined && clock.elapsed() - shipment.startedMs >= giveUpAfterMs) {
      return { kind: "gaveUp", reason: `gave up after ${Math.round(giveUpAfterMs / 1_000)} s: ${reason}` };
    }
    if (row.failures === 0) row.successesBefore = this.#successes;
    row.failures += 1;
    if (row.failures < SUSPECT_AFTER) return undefined;
    if (this.#successes === row.successesBefore) {
      // There may be no other to compare it with: another batch gets its place.
      shipment.stoodAside ||= gate.standAside();
      return undefined;
    }
    if (to - from > 1) return { kind: "suspect" };
    if (row.failures === SUSPECT_AFTER) {
      const { origin, offset } = recordAt(shipment.batch, from);
      emit({ kind: "sink.recordStuck", sink: name, path: origin.path, offset, failures: row.failures, reason });
    }
    return undefined;
  }

  async #attemptOnce(body: Buffer, isSingle: boolean, signal: AbortSignal): Promise<Outcome> {
    const { clock, gate, sink } = this.#options;
    const startedMs = clock.elapsed();
    const outcome = this.#suspectSetting(await sink.send(body, signal), isSingle);
    signal.throwIfAborted();
    gate.settle(outcome, clock.elapsed() - startedMs);
    if (outcome.kind === "delivered" || outcome.kind === "received") this.#successes += 1;
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

/** What was taken once can't be at fault: the receiver has been set up differently since. The bytes are kept. */
const refusedLater = (outcome: Outcome): Outcome =>
  outcome.kind === "rejected" || outcome.kind === "tooLarge"
    ? { kind: "blocked", reason: `refused, although it was taken before: ${outcome.reason}` }
    : outcome;

/** The promise's value; false if `signal` aborts first. */
async function unlessAborted(promise: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const aborted = Promise.withResolvers<boolean>();
  const abort = (): void => aborted.resolve(false);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function recordAt({ records }: Deliverable, index: number): LogRecord {
  const record = records[index];
  if (record === undefined) throw new Error(`the batch has no record ${index}`);
  return record;
}

/** They go to the dead letters when the others of the batch have got where they belong. */
function condemn({ condemned }: Shipment, from: number, to: number, { reason, status, response }: Verdict): true {
  for (let index = from; index < to; index += 1) condemned.push({ index, verdict: { reason, status, response } });
  return true;
}
