/** Time as a dependency, so that a test can step it. */
export interface Clock {
  /** Wall time: milliseconds since the Unix epoch. May jump. */
  now(): number;
  /** Monotonic time in milliseconds, for durations and deadlines. Never jumps back. */
  elapsed(): number;
  /** Resolves after `ms` milliseconds, or early when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay a Node timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      // For ever is a wait for the signal alone.
      const timer =
        ms === Number.POSITIVE_INFINITY ? undefined : setTimeout(done, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
      signal?.addEventListener("abort", done, { once: true });
    }),
};
