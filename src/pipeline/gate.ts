import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../core/outcome.ts";
import { ConcurrencyLimit } from "./concurrency.ts";
import { backOffMs, blockedMs, type Failure } from "./back-off.ts";

/** As of a circuit breaker. `failure` says why it is not closed, and since when. */
export type GateState =
  /** All is well, batches pass. */
  | { readonly kind: "closed" }
  /** Nothing is sent until `untilMs` (monotonic time). */
  | { readonly kind: "open"; readonly failure: Failure; readonly untilMs: number }
  /** One batch is tried, while the others wait. */
  | { readonly kind: "probing"; readonly failure: Failure; readonly untilMs: number };

export interface GateOptions {
  readonly concurrency: { readonly min: number; readonly max: number };
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called on each change that a person should know of: a failure, or the recovery with the outage's length. */
  readonly onFailing: (failure: Failure, waitMs: number) => void;
  readonly onRecovered: (outageMs: number) => void;
}

/** The longest wait between attempts once the agent is stopping: every back-off collapses to this. */
const COLLAPSED_MS = 250;

/**
 * The one gate through which all batches of a sink pass. The back-off belongs to it, not to a batch: while the sink is
 * failing a single batch probes, so neither its failures nor its recovery come as a stampede. It also bounds the requests
 * in flight.
 */
export class Gate {
  readonly #options: GateOptions;
  #state: GateState = { kind: "closed" };
  readonly #limit: ConcurrencyLimit;
  #inFlight = 0;
  /** Whether one of those in flight has lent its place to another. */
  #isOneAside = false;
  #collapsed = false;
  /** Monotonic time of the last success, milliseconds. */
  #succeededAtMs: number | undefined;
  /** Wakes those who wait for a change of the state. */
  readonly #waiting = new Set<() => void>();

  constructor(options: GateOptions) {
    this.#options = options;
    this.#limit = new ConcurrencyLimit(options.concurrency);
  }

  get state(): GateState {
    return this.#state;
  }

  /** Monotonic time at which the receiver last took something, milliseconds. */
  get succeededAtMs(): number | undefined {
    return this.#succeededAtMs;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes a place for one batch; waits for one to become free. False if `signal` aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    while (this.#inFlight - Number(this.#isOneAside) >= this.#limit.value && !signal.aborted)
      await this.#nextChange(signal);
    if (signal.aborted) return false;
    this.#inFlight += 1;
    return true;
  }

  release(): void {
    this.#inFlight -= 1;
    this.#changed();
  }

  /**
   * A batch that fails again and again lends its place to another, which may fare better. One at a time may; where strict
   * order is wanted none may. Whoever was allowed to comes back in the end.
   */
  standAside(): boolean {
    if (this.#isOneAside || this.#options.concurrency.max === 1) return false;
    this.#isOneAside = true;
    this.#changed();
    return true;
  }

  comeBack(): void {
    this.#isOneAside = false;
  }

  /** Waits until an attempt may be made: at once while the sink is well, else in turn. Returns early when `signal` aborts. */
  async enter(signal: AbortSignal): Promise<void> {
    while (this.#state.kind !== "closed" && !signal.aborted) {
      const isProbing = this.#state.kind === "probing";
      const waitMs = this.#state.untilMs - this.#options.clock.elapsed();
      if (waitMs <= 0 && !isProbing) {
        this.#state = { ...this.#state, kind: "probing" };
        return;
      }
      await this.#nextChange(signal, isProbing ? undefined : waitMs);
    }
  }

  /** What came of an attempt, and how long it took. */
  settle(outcome: Outcome, tookMs: number): void {
    if (outcome.kind === "delivered" || outcome.kind === "received")
      this.#succeededAtMs = this.#options.clock.elapsed();
    if (outcome.kind === "retry" || outcome.kind === "blocked") this.#fail(outcome);
    else if (outcome.kind !== "ended") this.#succeed(tookMs);
    this.#changed();
  }

  /** From now on no wait is longer than a moment, and the present one ends. For the agent's last seconds. */
  collapse(): void {
    this.#collapsed = true;
    if (this.#state.kind !== "closed") this.#state = { ...this.#state, untilMs: this.#options.clock.elapsed() };
    this.#changed();
  }

  #fail(outcome: Outcome & { kind: "retry" | "blocked" }): void {
    const { clock, random } = this.#options;
    const now = clock.elapsed();
    const before = this.#state.kind === "closed" ? undefined : this.#state;
    // Requests that were in flight when the sink began to fail are part of the same failure, not further ones.
    const counts = before?.kind !== "open";
    const failure: Failure = {
      kind: outcome.kind,
      reason: outcome.reason,
      sinceMs: before?.failure.sinceMs ?? now,
      // Another kind of failure is another row of attempts, with waits of its own.
      count: (before?.failure.kind === outcome.kind ? before.failure.count : 0) + (counts ? 1 : 0),
    };
    const afterMs = outcome.kind === "retry" ? outcome.afterMs : undefined;
    const wanted =
      outcome.kind === "blocked" ? blockedMs(failure.count, random()) : backOffMs(failure, now, random(), afterMs);
    const waitMs = this.#collapsed ? Math.min(wanted, COLLAPSED_MS) : wanted;
    const untilMs = counts
      ? now + waitMs
      : Math.max(before.untilMs, afterMs === undefined || this.#collapsed ? 0 : now + waitMs);
    this.#limit.failed();
    this.#state = { kind: "open", failure, untilMs };
    if (counts) this.#options.onFailing(failure, waitMs);
  }

  #succeed(tookMs: number): void {
    const { clock, onRecovered } = this.#options;
    if (this.#state.kind !== "closed") {
      onRecovered(clock.elapsed() - this.#state.failure.sinceMs);
      this.#state = { kind: "closed" };
    }
    this.#limit.succeeded(tookMs);
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Also ends after `ms`, and when `signal` aborts, which it must not have done before. */
  #nextChange(signal: AbortSignal, ms?: number): Promise<void> {
    return new Promise((resolve) => {
      // A signal of its own only where there is a timer to stop: each batch waits here, and signals are dear.
      const timer = ms === undefined ? undefined : new AbortController();
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        timer?.abort();
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
      if (ms !== undefined) void this.#options.clock.sleep(ms, timer?.signal).then(wake);
    });
  }
}
