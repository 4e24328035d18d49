import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../src/core/clock.ts";
import { Sleepers } from "../support/sleepers.ts";

/** A clock that moves only when a test steps it. Wall time and monotonic time start apart, so mixing them up shows. */
export class TestClock implements Clock {
  #wallMs: number;
  #elapsedMs = 1_000;
  readonly #sleepers = new Sleepers();

  constructor(wallMs = Date.parse("2026-01-01T00:00:00Z")) {
    this.#wallMs = wallMs;
  }

  now(): number {
    return this.#wallMs;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  /** Sleeps that have not ended yet. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#sleepers.sleep(this.#elapsedMs + Math.max(ms, 0), signal);
  }

  /** Moves the wall clock alone, as an administrator or NTP does. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /**
   * Steps the time. Sleeps end in the order in which they are due, each at its own time, and what they wake runs before the
   * next one ends, so a sleep that begins meanwhile takes part too.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await flush();
    for (let next = this.#sleepers.next(endMs); next !== undefined; next = this.#sleepers.next(endMs)) {
      this.#moveTo(Math.max(next.dueMs, this.#elapsedMs));
      next.wake();
      await flush();
    }
    this.#moveTo(endMs);
    await flush();
  }

  #moveTo(elapsedMs: number): void {
    this.#wallMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }
}

/** Lets everything run that is ready to run without any time passing. */
export async function flush(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await turn();
}
