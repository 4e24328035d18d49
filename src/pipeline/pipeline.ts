/*
 * A long file: the loop, what it begins and what it ends are one state machine, and read best together.
 */
import type { CheckpointStore, Counters, LossCheckpoint, Position } from "../core/checkpoint.ts";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { Notifier } from "../core/notifier.ts";
import type { LogRecord } from "../core/record.ts";
import type { Sink } from "../core/sink.ts";
import type { FollowedFile, RecordReader } from "../core/reading.ts";
import type { TrackedRange } from "./ack-tracker.ts";
import { Batch } from "./batch.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import { addCounters, bytesOf, noCounters } from "./counters.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { Delivery } from "./delivery.ts";
import { Feed } from "./feed.ts";
import { Gate, type GateState } from "./gate.ts";
import { type Account, accountOf } from "./ledger.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { Occupancy } from "./occupancy.ts";
import type { FileProgress, Slice } from "./progress.ts";

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
  /** The bytes before a position are not those that were read there. */
  readonly suspect: (file: FollowedFile, position: Position) => void;
}

/** What happens to an unfinished last line when the pipeline drains: it is sent, and the cursor stays before it or moves over it. */
export type PartialLines = "send" | "moveOver";

/** What is acknowledged when a slice has its terminal outcome. */
type Claim = Pick<Slice, "progress" | "range" | "partial">;

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
  readonly #underWay = new Set<Promise<void>>();
  /** Of those under way, what the receiver has taken and not confirmed. */
  readonly #unconfirmed = new Set<Occupancy>();
  #draining: PartialLines | undefined;
  #partialsSent = false;
  #ended = false;
  #failingAtCollapse = false;
  /** Set while draining. */
  #lastChanceMs: number | undefined;
  /** The reason of the last failure, and how often in a row it was that one. */
  #failure = { reason: "", count: 0 };
  #running: Promise<void> | undefined;
  /** What was told of accounts that do not add up: each is told when it changes. */
  readonly #imbalances = new WeakMap<FileProgress, number>();
  /** What a delivery threw: never an expected failure. */
  #bug: { readonly error: unknown } | undefined;

  constructor(options: PipelineOptions) {
    const { name, sink, reader, clock, random, emit, suspect } = options;
    this.name = name;
    this.#options = options;
    this.#feed = new Feed({
      sink: name,
      reader,
      clock,
      spills: options.spills === true,
      suspect,
      passed: (progress, ranges) => this.#passed(progress, ranges),
    });
    this.#gate = new Gate({
      concurrency: sink.concurrency,
      clock,
      random,
      onFailing: ({ kind, reason }, waitMs) => {
        this.#failure = { reason, count: reason === this.#failure.reason ? this.#failure.count + 1 : 1 };
        emit({
          kind: kind === "blocked" ? "sink.blocked" : "sink.failing",
          sink: name,
          reason,
          waitMs: Math.round(waitMs),
          failures: this.#failure.count,
        });
      },
      onRecovered: (outageMs) => {
        this.#failure = { reason: "", count: 0 };
        emit({ kind: "sink.recovered", sink: name, outageMs });
      },
    });
    this.#delivery = new Delivery({ ...options, gate: this.#gate });
  }

  /** Whether its sink stands in for the one of its name. */
  get spills(): boolean {
    return this.#options.spills === true;
  }

  get gate(): GateState {
    return this.#gate.state;
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
    if (checkpoint === undefined) this.#record(progress);
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
    const { store } = this.#options;
    const progress = this.#feed.get(file);
    if (progress === undefined) return;
    const counters: Counters = { ...noCounters(), ...store.totals.get(this.name) };
    addCounters(counters, progress.counters);
    store.record({ kind: "totals", sink: this.name, counters });
    this.#feed.forget(file);
  }

  /** Dead letters had to go: their bytes are lost from here on. Durable when it resolves; what is told twice counts once. */
  async evicted(losses: readonly LossCheckpoint[]): Promise<void> {
    const { emit, store } = this.#options;
    const isKnown = (loss: LossCheckpoint): boolean =>
      store.losses.some(
        ({ sink, file, from, reason }) =>
          sink === loss.sink && file === loss.file && from === loss.from && reason === loss.reason,
      );
    const counters: Counters = { ...noCounters(), ...store.totals.get(this.name) };
    for (const loss of losses) {
      if (isKnown(loss)) continue;
      counters.deadLetteredBytes -= bytesOf(loss);
      counters.lostBytes += bytesOf(loss);
      store.record({ kind: "loss", loss });
      emit({ kind: "data.lost", loss });
    }
    store.record({ kind: "totals", sink: this.name, counters });
    await store.flush();
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
          this.#begin(batch);
        }
      }
      await Promise.allSettled(this.#underWay);
      if (this.#bug !== undefined) throw this.#bug.error;
    } finally {
      unsubscribe();
      this.#stop.abort();
      await Promise.allSettled(this.#underWay);
      await deadLetters.close();
      await sink.close();
    }
  }

  /** Once draining, and nothing is left to read: when all that is under way has come to its end, nothing new to read has come up. */
  async #isDrained(): Promise<boolean> {
    if (this.#draining === undefined || this.#underWay.size > 0) return false;
    if (this.#partialsSent) return true;
    this.#partialsSent = true;
    await this.#sendPartials(this.#draining);
    return false;
  }

  async #sendPartials(partials: PartialLines): Promise<void> {
    const batch = this.#newBatch();
    for await (const slice of this.#feed.partials(partials === "moveOver")) {
      if (slice.records.length === 0) this.#acknowledge(slice);
      else batch.add(slice);
    }
    if (batch.records.length > 0 && (await this.#gate.acquire(this.#stop.signal))) this.#begin(batch);
    this.#wake.notify();
  }

  #newBatch(): Batch {
    const { clock, encoder, sink } = this.#options;
    const measure = (record: LogRecord): number => encoder.measure(sink, record);
    return new Batch(sink.limits, this.#delivery.bytesPerRequest, clock.elapsed(), measure);
  }

  /** Too much is unconfirmed: what stays open for long must leave room for the other sinks. */
  get #waitsForConfirmation(): boolean {
    let bytes = 0;
    for (const { unconfirmedBytes } of this.#unconfirmed) bytes += unconfirmedBytes;
    return bytes >= this.#options.budget.unconfirmedBytes;
  }

  /** Collects records until the batch is full or old enough. Undefined if there are none, or no memory for them. */
  async #fill(): Promise<Batch | undefined> {
    const { budget, clock, sink } = this.#options;
    if (!budget.allows(this.#underWay.size, 3 * sink.limits.maxBytes) || this.#waitsForConfirmation) return undefined;
    let batch: Batch | undefined;
    while (batch?.isFull !== true && !this.#stop.signal.aborted) {
      const slice: Slice | undefined = await this.#feed.next(
        batch?.roomForRecords ?? sink.limits.maxRecords,
        batch?.roomForBytes ?? this.#delivery.bytesPerRequest,
      );
      const remainingMs = batch?.remainingMs(clock.elapsed()) ?? 0;
      if (slice !== undefined && slice.records.length > 0) {
        batch ??= this.#newBatch();
        batch.add(slice);
        continue;
      }
      // Much may be filtered one after the other; what a batch has already does not wait for the end of it.
      if (slice !== undefined && (batch === undefined || remainingMs > 0)) continue;
      if (remainingMs <= 0 || this.#draining !== undefined) break;
      await this.#wake.wait(clock, Math.min(remainingMs, this.#feed.untilWholeMs), this.#stop.signal);
    }
    return batch;
  }

  #begin(batch: Batch): void {
    const occupancy = new Occupancy(batch, this.#gate, this.#options.budget);
    const delivering = this.#ship(batch, occupancy).finally(() => {
      this.#underWay.delete(delivering);
      occupancy.end();
      this.#unconfirmed.delete(occupancy);
      this.#wake.notify();
    });
    this.#underWay.add(delivering);
    delivering.catch((error: unknown) => {
      this.#bug ??= { error };
      this.stop();
    });
  }

  async #ship(batch: Batch, occupancy: Occupancy): Promise<void> {
    // Without their records, which are let go when the receiver has taken them.
    const claims = batch.slices.map(({ progress, range, partial }): Claim => ({ progress, range, partial }));
    const received = (heldBytes: number): void => {
      occupancy.received(heldBytes);
      this.#unconfirmed.add(occupancy);
      this.#wake.notify();
    };
    if (await this.#delivery.deliver(batch, this.#stop.signal, received)) {
      for (const claim of claims) this.#acknowledge(claim);
    } else if (!this.#stop.signal.aborted) {
      this.#ended = true;
      this.#options.emit({ kind: "sink.ended", sink: this.name, reason: "the receiver has closed" });
      this.stop();
    }
  }

  #acknowledge(claim: Claim): void {
    const passed = claim.progress.finish(claim);
    if (claim.partial !== undefined) this.#record(claim.progress);
    else if (passed.length > 0) this.#passed(claim.progress, passed);
  }

  /** The cursor moved. The counters go with it into the same durable entry. */
  #passed(progress: FileProgress, ranges: readonly TrackedRange[]): void {
    const { emit, store } = this.#options;
    this.#record(progress);
    for (const { loss } of ranges) {
      if (loss === undefined) continue;
      store.record({ kind: "loss", loss });
      emit({ kind: "data.lost", loss });
    }
    const { imbalance: missingBytes, file } = progress;
    if (missingBytes !== (this.#imbalances.get(progress) ?? 0)) {
      emit({ kind: "sink.unbalanced", sink: this.name, path: file.path, missingBytes });
      this.#imbalances.set(progress, missingBytes);
    }
  }

  #record(progress: FileProgress): void {
    this.#options.store.record({ kind: "cursor", cursor: progress.checkpoint(this.name) });
  }
}
