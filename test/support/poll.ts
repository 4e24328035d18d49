import { setTimeout as pause } from "node:timers/promises";

export interface PollOptions {
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  /** Said in the error when the deadline passes: the state that explains why. */
  readonly detail?: () => string;
}

/**
 * Waits until `probe` gives something other than undefined or false, and returns it. Processes and files of other
 * programs have no event to wait for, so the condition is looked at again and again, with a deadline that throws.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 60_000, everyMs = 15, detail }: PollOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) {
      throw new Error(`not within ${timeoutMs} ms: ${what}${detail === undefined ? "" : `\n${detail()}`}`);
    }
    await pause(everyMs);
  }
}

/** The promise's value, or an error when it takes longer than `timeoutMs`. */
export async function within<T>(what: string, timeoutMs: number, promise: Promise<T>): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  try {
    return await Promise.race([promise, expired]);
  } finally {
    clearTimeout(timer);
  }
}
