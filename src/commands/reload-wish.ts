import type { EventEmitter } from "node:events";
import type { Clock } from "../core/clock.ts";
import { Notifier } from "../core/notifier.ts";

/** The wish to have the configuration read again: SIGHUP. Listens until disposed of. */
export class ReloadWish implements Disposable {
  readonly #signals: EventEmitter;
  readonly #notifier = new Notifier();
  #isOpen = false;

  /** `signals` is the process. Made before anything else: unheard, the signal would end it. */
  constructor(signals: EventEmitter) {
    this.#signals = signals;
    this.#signals.on("SIGHUP", this.#onSignal);
  }

  /** Whether somebody wished it within `ms`, or since the last call. Resolves early with the wish, or when `stop` aborts. */
  async within(ms: number, clock: Clock, stop: AbortSignal): Promise<boolean> {
    await this.#notifier.wait(clock, ms, stop);
    const isWished = this.#isOpen;
    this.#isOpen = false;
    return isWished;
  }

  [Symbol.dispose](): void {
    this.#signals.off("SIGHUP", this.#onSignal);
  }

  readonly #onSignal = (): void => {
    this.#isOpen = true;
    this.#notifier.notify();
  };
}
