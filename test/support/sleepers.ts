interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** Sleeps of a clock that moves only when it is stepped. Times are its monotonic ones, milliseconds. */
export class Sleepers {
  readonly #sleepers = new Set<Sleeper>();

  /** Sleeps that have not ended yet. */
  get size(): number {
    return this.#sleepers.size;
  }

  /** Resolves when the sleep is woken, or `signal` aborts. */
  sleep(dueMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper: Sleeper = { dueMs, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** The first sleep that is due by then, of equal ones the one that began first. */
  next(untilMs: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueMs <= untilMs && (next === undefined || sleeper.dueMs < next.dueMs)) next = sleeper;
    }
    return next;
  }
}
