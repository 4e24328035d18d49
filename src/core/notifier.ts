import type { Clock } from "./clock.ts";

/** Wakes one waiting loop. A notification that comes while nobody waits is kept, so none is missed. */
export class Notifier {
  #notified = false;
  #wake: (() => void) | undefined;

  notify(): void {
    this.#notified = true;
    this.#wake?.();
  }

  /** Resolves at the next notification, after `ms`, or when `signal` aborts. */
  async wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#notified && signal?.aborted !== true) {
      const waiting = new AbortController();
      const wake = (): void => waiting.abort();
      this.#wake = wake;
      signal?.addEventListener("abort", wake, { once: true });
      await clock.sleep(ms, waiting.signal);
      signal?.removeEventListener("abort", wake);
      this.#wake = undefined;
    }
    this.#notified = false;
  }
}
