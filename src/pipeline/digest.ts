import type { Clock } from "../core/clock.ts";

/** Between two tellings, at least, milliseconds. */
const TELL_MS = 10_000;

/** Tells of records by their number: of the first at once, and of what follows soon in one sum. */
export class Digest {
  readonly #clock: Clock;
  readonly #tell: (records: number, reason: string) => void;
  /** What was not told yet, and the latest reason. */
  #untold = { records: 0, reason: "" };
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, tell: (records: number, reason: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** When `signal` aborts, all is told at once. */
  add(records: number, reason: string, signal: AbortSignal): void {
    const isScheduled = this.#untold.records > 0;
    this.#untold = { records: this.#untold.records + records, reason };
    if (isScheduled) return;
    const waitMs = this.#toldMs + TELL_MS - this.#clock.elapsed();
    if (waitMs <= 0) this.#tellUntold();
    else void this.#clock.sleep(waitMs, signal).then(() => this.#tellUntold());
  }

  #tellUntold(): void {
    const { records, reason } = this.#untold;
    this.#untold = { records: 0, reason: "" };
    this.#toldMs = this.#clock.elapsed();
    if (records > 0) this.#tell(records, reason);
  }
}
