/** A delivery that takes longer than twice the usual time, and this, waits in a queue somewhere. */
const TOLERANCE_MS = 2;

/** How fast the idea of the usual time follows when everything has become slower, per delivery. */
const DRIFT = 1.1;

/**
 * How many requests may be in flight at the same time. It grows by one for each round of successes, halves at a failure,
 * and gives way when deliveries take longer than they need to: then more of them only wait for each other, at the
 * receiver or in our own process, and hold memory meanwhile. A pure policy; whoever asks keeps the count.
 */
export class ConcurrencyLimit {
  readonly #min: number;
  readonly #max: number;
  #limit: number;
  /** The time a delivery takes when none waits for another, milliseconds. */
  #usualMs = Number.POSITIVE_INFINITY;

  constructor({ min, max }: { readonly min: number; readonly max: number }) {
    this.#min = min;
    this.#max = max;
    this.#limit = min;
  }

  get value(): number {
    return Math.floor(this.#limit);
  }

  succeeded(tookMs: number): void {
    this.#usualMs = Math.min(tookMs, this.#usualMs * DRIFT);
    const queues = tookMs > 2 * this.#usualMs + TOLERANCE_MS;
    const step = 1 / this.#limit;
    this.#limit = Math.min(this.#max, Math.max(this.#min, this.#limit + (queues ? -step : step)));
  }

  failed(): void {
    this.#limit = Math.max(this.#min, this.#limit / 2);
  }
}
