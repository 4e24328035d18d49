/*
 * A long file: the loop, what it begins and what it ends are one state machine, and read best together.
 */
import type { CheckpointStore, LossCheckpoint, Position } from "../core/checkpoint.ts";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { Meter } from "../core/meter.ts";
import { Notifier } from "../core/notifier.ts";
import type { Sink } from "../core/sink.ts";
import type { FollowedFile, RecordReader } from "../core/reading.ts";
import type { Batch } from "./batch.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import { Bookkeeping } from "./bookkeeping.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { Delivery } from "./delivery.ts";
import { Feed } from "./feed.ts";
import { Filling } from "./filling.ts";
import type { Gate, GateState } from "./gate.ts";
import { type Account, accountOf } from "./ledger.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { Claim } from "./progress.ts";
import { createReportedGate } from "./reported-gate.ts";
import { Resending } from "./resending.ts";
import { Shipping } from "./shipping.ts";

export interface PipelineOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly reader: RecordReader;
  readonly store: CheckpointStore;
  readonly budget: MemoryBudget;
  readonly deadLetters: DeadLetters;
  /** Milliseconds after which a failing batch goes to the dead letters; without it none ever does. */
  readonly giveUpAfterMs?: number | undefined;
  /** Whether the sink stands in for the one of this name, which could not be given what is left. */
  readonly spills?: boolean;
  readonly pool: BufferPool;
  readonly encoder: BodyEncoder;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  /** Counts requests, where somebody wants to know. */
  readonly meter?: Meter | undefined;
  /** The bytes before a position are not those that were read there. */
  readonly suspect: (file: FollowedFile, position: Position) => void;
}

/** What happens to an unfinished last line when the pipeline drains: it is sent, and the cursor stays before it or moves over it. */
export type PartialLines = "send" | "moveOver";

/** While nothing happens, the loop looks around this often: a bound on what a missed wake-up could cost. */
const IDLE_MS = 5_000;

/**
 * The send side of one sink: pulls records, batches, delivers, acknowledges. Nothing is pushed into it, so back-pressure
 * is the absence of a pull, and no pipeline waits for another.
 */
export class Pipeline {
  readonly name: string;
  readonly #options: PipelineOptions;
  readonly #feed: Feed;
  readonly #gate: Gate;
  readonly #delivery: Delivery;
  readonly #wake = new Notifier();
  readonly #stop = new AbortController();
  readonly #books: Bookkeeping;
  readonly #filling: Filling;
  readonly #shipping: Shipping;
  #draining: PartialLines | undefined;
  #partialsSent = false;
  #ended = false;
  #failingAtCollapse = false;
  /** Set while draining. */
  #lastChanceMs: number | undefined;
  #running: Promise<void> | undefined;
  /** What a delivery threw: never an expected failure. */
  #bug: { readonly error: unknown } | undefined;

  constructor(options: PipelineOptions) {
    const { name, sink } = options;
    this.name = name;
    this.#options = options;
    this.#books = new Bookkeeping(options);
    const resending = new Resending({ ...options, settled: (claim) => this.#acknowledge(claim) });
    this.#feed = new Feed({
      ...options,
      sink: name,
      passed: (progress, ranges) => this.#books.passed(progress, ranges),
    });
    const gate = createReportedGate({ ...options, concurrency: sink.concurrency });
    this.#delivery = new Delivery({ ...options, gate });
    const parts = {
      ...options,
      gate,
      feed: this.#feed,
      resending,
      delivery: this.#delivery,
      wake: this.#wake,
      signal: this.#stop.signal,
    };
    this.#gate = gate;
    this.#filling = new Filling(parts);
    this.#shipping = new Shipping({
      ...parts,
      settled: (claim) => this.#acknowledge(claim),
      changed: () => this.#wake.notify(),
      ended: () => this.#end(),
      failed: (error) => {
        this.#bug ??= { error };
        this.stop();
      },
    });
  }

  /** Whether its sink stands in for the one of its name. */
  get spills(): boolean {
    return this.#options.spills === true;
  }

  get gate(): GateState {
    return this.#gate.state;
  }

  /** Monotonic time at which the receiver last took something, milliseconds. */
  get succeededAtMs(): number | undefined {
    return this.#gate.succeededAtMs;
  }

  /** Requests that are being filled, are under way, or wait for another attempt. */
  get inFlight(): number {
    return this.#gate.inFlight;
  }

  /** Memory that its batches under way hold, about, bytes. */
  get bufferedBytes(): number {
    return this.#shipping.heldBytes;
  }

  /**
   * Whether it has something to do that should get on: not while the receiver fails, has yet to confirm what it took, or a
   * refused record can't be kept.
   */
  get isBusy(): boolean {
    if (this.#gate.state.kind !== "closed" || this.#delivery.waitsForDeadLetters) return false;
    if (this.#shipping.batches > 0) return true;
    // A batch that is being filled may wait for more as long as the user wants.
    return this.#gate.inFlight === 0 && this.#shipping.isIdle && this.#feed.isReady;
  }

  /** Whether the receiver has gone for good, so that nothing more is owed to it. */
  get ended(): boolean {
    return this.#ended;
  }

  get account(): Account {
    return accountOf(this.#feed.progresses, this.#options.store.totals.get(this.name));
  }

  /**
   * Takes up a file: at its durable cursor, or else at `first`, which is recorded. Reading begins with the first call of
   * `changed`: before that the caller makes the record durable.
   */
  follow(file: FollowedFile, first: Position): void {
    const checkpoint = this.#options.store.cursors.get(this.name)?.get(file.id);
    const progress = this.#feed.follow(file, checkpoint ?? first);
    if (checkpoint === undefined) this.#books.record(progress);
  }

  /** Takes up a file where its durable cursor stands, if it has one. */
  resume(file: FollowedFile): void {
    const checkpoint = this.#options.store.cursors.get(this.name)?.get(file.id);
    if (checkpoint === undefined) return;
    this.#feed.follow(file, checkpoint);
    this.changed(file);
  }

  changed(file: FollowedFile): void {
    this.#feed.wake(file);
    if (file.state === "gone") this.#feed.giveUp(file);
    this.#wake.notify();
  }

  needs(file: FollowedFile): boolean {
    return !this.#ended && this.#feed.get(file)?.isComplete === false;
  }

  /** The file is out of use: its counters live on in the sink's totals. */
  forget(file: FollowedFile): void {
    const progress = this.#feed.get(file);
    if (progress === undefined) return;
    this.#books.forgotten(progress);
    this.#feed.forget(file);
  }

  /** Dead letters had to go: their bytes are lost from here on. Durable when it resolves; what is told twice counts once. */
  evicted(losses: readonly LossCheckpoint[]): Promise<void> {
    return this.#books.evicted(losses);
  }

  /** Works until it is stopped, has drained, or the receiver is gone. Rejects only for a bug. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** No wait of a failing sink is longer than a moment from now on. */
  collapse(): void {
    this.#failingAtCollapse = this.#gate.state.kind !== "closed";
    this.#gate.collapse();
    if (this.#lastChanceMs !== undefined) void this.#giveUpAfter(this.#lastChanceMs, this.#stop.signal);
  }

  /**
   * Delivers what there is, unfinished last lines too, and ends. A sink that was failing already when the back-off
   * collapsed, and still is, is given up after `lastChanceMs`: its data stays in the files.
   */
  async drain(partials: PartialLines, lastChanceMs: number): Promise<void> {
    this.#draining = partials;
    this.#feed.hurry();
    this.#lastChanceMs = lastChanceMs;
    this.#wake.notify();
    const chance = new AbortController();
    const lastChance = this.#giveUpAfter(lastChanceMs, chance.signal);
    await this.run();
    chance.abort();
    await lastChance;
  }

  async #giveUpAfter(ms: number, cancel: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(ms, cancel);
    if (this.#failingAtCollapse && this.#gate.state.kind !== "closed") this.stop();
  }

  /** Ends at once. What is under way counts as undelivered. */
  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { budget, deadLetters, emit, sink } = this.#options;
    for (const warning of sink.warnings ?? []) emit({ kind: "sink.warning", sink: this.name, warning });
    const unsubscribe = budget.onRelease(() => this.#wake.notify());
    try {
      await deadLetters.recover();
      while (await this.#gate.acquire(this.#stop.signal)) {
        const batch = await this.#fill();
        if (batch === undefined) {
          this.#gate.release();
          if (await this.#isDrained()) break;
          await this.#wake.wait(this.#options.clock, Math.min(IDLE_MS, this.#feed.untilWholeMs), this.#stop.signal);
        } else {
          this.#shipping.begin(batch);
        }
      }
      await this.#shipping.end();
      if (this.#bug !== undefined) throw this.#bug.error;
    } finally {
      unsubscribe();
      this.#stop.abort();
      await this.#shipping.end();
      await deadLetters.close();
      await sink.close();
    }
  }

  /** Once draining, and nothing is left to read: when all that is under way has come to its end, nothing new to read has come up. */
  async #isDrained(): Promise<boolean> {
    if (this.#draining === undefined || !this.#shipping.isIdle) return false;
    if (this.#partialsSent) return true;
    this.#partialsSent = true;
    await this.#sendPartials(this.#draining);
    return false;
  }

  async #sendPartials(partials: PartialLines): Promise<void> {
    const batch = this.#filling.newBatch();
    for await (const slice of this.#feed.partials(partials === "moveOver")) {
      if (slice.records.length === 0) this.#acknowledge(slice);
      else batch.add(slice);
    }
    if (batch.records.length > 0 && (await this.#gate.acquire(this.#stop.signal))) this.#shipping.begin(batch);
    this.#wake.notify();
  }

  /** Undefined if there is nothing to send, or no memory for it. */
  async #fill(): Promise<Batch | undefined> {
    const { budget, sink } = this.#options;
    if (!budget.allows(this.#shipping.batches, 3 * sink.limits.maxBytes)) return undefined;
    return this.#filling.fill(() => this.#draining === undefined);
  }

  #end(): void {
    this.#ended = true;
    this.#options.emit({ kind: "sink.ended", sink: this.name, reason: "the receiver has closed" });
    this.stop();
  }

  #acknowledge(claim: Claim): void {
    const passed = claim.progress.finish(claim);
    if (claim.partial !== undefined) this.#books.record(claim.progress);
    else if (passed.length > 0) this.#books.passed(claim.progress, passed);
  }
}
