import type { EventEmitter } from "node:events";
import type { Clock } from "../core/clock.ts";

export const STOP_SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];

/** npm hands on the signal that the terminal has sent to the whole group already, so one Ctrl-C can come twice. */
const SAME_MS = 500;

/** The wish to stop: the first signal, the end of the time, or whatever else calls `stop`. Listens until disposed of. */
export class Interruption implements Disposable {
  readonly #signals: EventEmitter;
  readonly #clock: Clock;
  readonly #names: readonly NodeJS.Signals[];
  readonly #stopping = new AbortController();
  readonly #repeated = new AbortController();
  readonly #disposed = new AbortController();
  #reason: string | undefined;
  #stoppedMs: number | undefined;

  /** `signals` is the process. Made before anything else, so that no signal is lost: the first process of a container dies of none. */
  constructor(signals: EventEmitter, clock: Clock, names = STOP_SIGNALS) {
    this.#signals = signals;
    this.#clock = clock;
    this.#names = names;
    for (const signal of names) this.#signals.on(signal, this.#onSignal);
  }

  /** Aborted when the end begins. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborted when the wish comes again while the end goes on. */
  get repeated(): AbortSignal {
    return this.#repeated.signal;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  stop(reason: string): void {
    this.#reason ??= reason;
    this.#stoppedMs ??= this.#clock.elapsed();
    this.#stopping.abort();
  }

  /** An infinite time never ends. */
  stopAfter(ms: number, reason: string): void {
    if (ms === Number.POSITIVE_INFINITY) return;
    const cancel = AbortSignal.any([this.#stopping.signal, this.#disposed.signal]);
    void this.#clock.sleep(ms, cancel).then(() => this.stop(reason));
  }

  [Symbol.dispose](): void {
    for (const signal of this.#names) this.#signals.off(signal, this.#onSignal);
    this.#disposed.abort();
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const isRepeated = this.#stoppedMs !== undefined && this.#clock.elapsed() - this.#stoppedMs >= SAME_MS;
    if (isRepeated) this.#repeated.abort();
    else this.stop(signal);
  };
}
