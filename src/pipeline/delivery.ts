import type { BufferPool } from "../core/buffer-pool.ts";
import type { Clock } from "../core/clock.ts";
import { unreachable } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import type { Meter } from "../core/meter.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Sink } from "../core/sink.ts";
import { Attempts } from "./attempts.ts";
import { BatchEncoder } from "./batch-encoder.ts";
import { BodyLimit } from "./body-limit.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import { Burial } from "./burial.ts";
import type { Verdict } from "./dead-letter.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Gate } from "./gate.ts";
import { Rejections } from "./rejections.ts";
import { condemn, type Deliverable, recordAt, type Shipment, type Terminal, type Unconfirmed } from "./shipment.ts";

export interface DeliveryOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly gate: Gate;
  readonly deadLetters: DeadLetters;
  readonly pool: BufferPool;
  readonly encoder: BodyEncoder;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly meter?: Meter | undefined;
  /** What has been failing for this long goes to the dead letters. Milliseconds; without it nothing ever does. */
  readonly giveUpAfterMs?: number | undefined;
  /** Set where most records may well be refused, as dead letters may again: that says nothing about the settings then. */
  readonly expectsRefusals?: boolean;
}

/**
 * Brings the records of a batch to their terminal outcomes: delivered, or in the dead letters. Retries for as long as it
 * takes, halves what is too large, narrows what was rejected to the guilty record.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #rejections = new Rejections();
  readonly #encoder: BatchEncoder;
  readonly #attempts: Attempts;
  readonly #burial: Burial;
  readonly #bodyLimit: BodyLimit;
  /** The smallest limit of a body that was told of. */
  #toldBytes = Number.POSITIVE_INFINITY;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#encoder = new BatchEncoder(options.sink, options.encoder);
    this.#attempts = new Attempts({ ...options, encoder: this.#encoder, rejections: this.#rejections });
    this.#burial = new Burial(options);
    this.#bodyLimit = new BodyLimit(options.sink.limits.maxBytes);
  }

  /** Bytes of log that fill a request of this sink, as the batches so far were encoded. */
  get bytesPerRequest(): number {
    return this.#encoder.bytesPerRequest;
  }

  /** Whether a batch waits because a refused record can't be kept. */
  get waitsForDeadLetters(): boolean {
    return this.#burial.isWaiting;
  }

  /**
   * Resolves when the receiver has all records that are not among the dead letters, with those that it has yet to confirm;
   * with undefined if it was stopped before that.
   */
  async deliver(batch: Deliverable, signal: AbortSignal): Promise<readonly Unconfirmed[] | undefined> {
    const shipment: Shipment = {
      batch,
      signal,
      failingSinceMs: undefined,
      unconfirmed: [],
      condemned: [],
      stoodAside: false,
    };
    try {
      const isDone = (await this.#deliver(shipment, 0, batch.records.length)) && (await this.#burial.bury(shipment));
      return isDone ? shipment.unconfirmed : undefined;
    } finally {
      if (shipment.stoodAside) this.#options.gate.comeBack();
    }
  }

  async #deliver(shipment: Shipment, from: number, to: number): Promise<boolean> {
    if (from >= to) return true;
    const { batch } = shipment;
    const { pool, sink } = this.#options;
    const body = this.#encoder.encode(batch, from, to);
    const bytes = body.length;
    const fits = bytes <= this.#bodyLimit.bytes && to - from <= sink.limits.maxRecords;
    let outcome: Terminal | undefined = { kind: "tooLarge", reason: "over the sink's limit" };
    if (fits || to - from === 1) outcome = await this.#attempts.attempt(shipment, from, to, body);
    else pool.give(body);
    switch (outcome?.kind) {
      case "delivered":
        this.#bodyLimit.gotThrough(bytes);
        this.#taken(shipment, from, to);
        return true;
      case "received":
        this.#bodyLimit.gotThrough(bytes);
        this.#taken(shipment, from, to);
        shipment.unconfirmed.push({ from, to, settled: outcome.settled });
        return true;
      case "tooLarge":
        return to - from > 1 ? this.#halves(shipment, from, to) : condemn(shipment, from, to, outcome);
      case "cutShort":
        this.#shrink(bytes);
        return this.#halves(shipment, from, to);
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

  #shrink(bytes: number): void {
    const { emit, name } = this.#options;
    this.#bodyLimit.tooLong(bytes);
    const { bytes: maxBytes } = this.#bodyLimit;
    if (maxBytes >= this.#toldBytes) return;
    this.#toldBytes = maxBytes;
    emit({ kind: "sink.slowLine", sink: name, maxBytes: Math.floor(maxBytes) });
  }

  #taken({ batch }: Shipment, from: number, to: number): void {
    const { clock, sink } = this.#options;
    this.#rejections.add(to - from, false);
    if (sink.isLate === undefined) return;
    const nowMs = clock.now();
    for (let index = from; index < to; index += 1) {
      const record = recordAt(batch, index);
      // Of a record that was split, the first part stands for the whole.
      if (record.length > 0 && sink.isLate(record, nowMs)) batch.sourceOf(index).counters.lateRecords += 1;
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
}
