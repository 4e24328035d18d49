import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { unsafeOf } from "./confirmation.ts";
import type { Batch } from "./batch.ts";
import type { Delivery } from "./delivery.ts";
import { Digest } from "./digest.ts";
import type { Gate } from "./gate.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { Claim } from "./progress.ts";
import type { Resending } from "./resending.ts";
import { cutOut, throughChosen } from "./runs.ts";
import type { Unconfirmed } from "./shipment.ts";

export interface ShippingOptions {
  /** The sink's name. */
  readonly name: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly delivery: Delivery;
  readonly gate: Gate;
  readonly budget: MemoryBudget;
  readonly resending: Resending;
  /** Ends all that is under way. */
  readonly signal: AbortSignal;
  /** The records of a claim have their terminal outcome. */
  readonly settled: (claim: Claim) => void;
  /** Something has come to its end. */
  readonly changed: () => void;
  /** The receiver has gone for good. */
  readonly ended: () => void;
  /** Something was thrown, which no expected failure does. */
  readonly failed: (error: unknown) => void;
}

/**
 * The batches of one sink that are under way: each holds its records, a place in the gate and memory until the receiver has
 * taken it, and from then until it is confirmed nothing but the claims.
 */
export class Shipping {
  readonly #options: ShippingOptions;
  readonly #batches = new Set<Promise<void>>();
  readonly #unconfirmed = new Set<Promise<void>>();
  readonly #digest: Digest;
  #heldBytes = 0;

  constructor(options: ShippingOptions) {
    const { clock, emit, name } = options;
    this.#options = options;
    this.#digest = new Digest(clock, (records) => emit({ kind: "sink.unconfirmed", sink: name, records }));
  }

  /** Batches that the receiver has not taken yet. */
  get batches(): number {
    return this.#batches.size;
  }

  /** Memory that the batches hold, about, bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether nothing is under way, nor has to be sent again. */
  get isIdle(): boolean {
    return this.#batches.size === 0 && this.#unconfirmed.size === 0 && this.#options.resending.isEmpty;
  }

  /** Sends a batch, which has its place in the gate already. */
  begin(batch: Batch): void {
    const { budget, gate } = this.#options;
    const { memoryBytes } = batch;
    budget.hold(memoryBytes);
    this.#heldBytes += memoryBytes;
    this.#track(this.#batches, this.#ship(batch), () => {
      batch.release();
      budget.release(memoryBytes);
      this.#heldBytes -= memoryBytes;
      gate.release();
    });
  }

  /** Resolves when all that is under way now has come to its end. Never rejects. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#batches);
    await Promise.allSettled(this.#unconfirmed);
  }

  #track(set: Set<Promise<void>>, work: Promise<void>, ended: () => void = () => {}): void {
    const { changed, failed } = this.#options;
    const tracked = work.finally(() => {
      set.delete(tracked);
      ended();
      changed();
    });
    set.add(tracked);
    tracked.catch(failed);
  }

  async #ship(batch: Batch): Promise<void> {
    const { delivery, ended, settled, signal } = this.#options;
    const unconfirmed = await delivery.deliver(batch, signal);
    if (unconfirmed === undefined) {
      if (!signal.aborted) ended();
    } else if (unconfirmed.length === 0) {
      for (const { claim } of batch.claims) settled(claim);
    } else {
      this.#track(this.#unconfirmed, this.#confirm(batch.claims, unconfirmed));
    }
  }

  /** Waits for the confirmation. What does not get it is sent again, and no record that has got it, or is a dead letter. */
  async #confirm(claims: Batch["claims"], unconfirmed: readonly Unconfirmed[]): Promise<void> {
    const { resending, settled, signal } = this.#options;
    const unsafe = await unsafeOf(unconfirmed, signal);
    if (unsafe === undefined) return;
    const count = unsafe.reduce((sum, { from, to }) => sum + to - from, 0);
    if (count > 0) this.#digest.add(count, "", signal);
    for (const { claim, records } of claims) {
      const runs = cutOut(unsafe, records);
      const isWhole = runs[0]?.from === 0 && runs[0].to === records.to - records.from;
      if (runs.length === 0) settled(claim);
      else if (isWhole) resending.add(claim);
      else resending.add({ ...claim, runs: claim.runs === undefined ? runs : throughChosen(runs, claim.runs) });
    }
  }
}
