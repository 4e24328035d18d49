import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../../src/core/clock.ts";
import { Sleepers } from "../support/sleepers.ts";

/** Work of the event loop that ends without time passing: calls of the file system. */
const WORK = /^(?:FSReq|FileHandle|CloseReq)/;

/** Threads of the pool that work is given to. */
const POOL_SIZE = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4);

/** Turns of the event loop in a row without work after which nothing is on its way. */
const QUIET_TURNS = 3;

/** Threads that do the work of the file system and of compressors, of which the event loop does not tell. */
let workers: readonly string[] = [];

const statOf = (thread: string): string => readFileSync(`/proc/self/task/${thread}/stat`, "utf8");

/** Whether a thread of the pool has something to do. They begin with the first work that there is for them, and never end. */
function isPoolBusy(): boolean {
  if (workers.length < POOL_SIZE)
    workers = readdirSync("/proc/self/task").filter((thread) => statOf(thread).includes("(libuv-worker)"));
  return workers.some((thread) => !statOf(thread).includes(") S "));
}

/** Lets everything run that runs without time passing: real I/O has come to its end then, and what it woke too. */
export async function idle(): Promise<void> {
  for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
    await turn();
    const isLast = quiet === QUIET_TURNS - 1;
    if (process.getActiveResourcesInfo().some((resource) => WORK.test(resource)) || (isLast && isPoolBusy()))
      quiet = -1;
  }
}

/** Lets a few turns of the event loop pass, which leaves what is under way at any place. */
export async function someTurns(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await turn();
}

/**
 * A clock that moves only when it is stepped, over an agent that does real I/O. The wall clock is the real one, because the
 * agent compares it with the times of files.
 */
export class SteppedClock implements Clock {
  #elapsedMs: number;
  readonly #sleepers = new Sleepers();

  constructor(elapsedMs: number) {
    this.#elapsedMs = elapsedMs;
  }

  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#sleepers.sleep(this.#elapsedMs + Math.max(ms, 0), signal);
  }

  /** Steps to the next sleep that ends within `ms`, and ends it. False if there is none; then all of `ms` has passed. */
  step(untilMs: number): boolean {
    const next = this.#sleepers.next(untilMs);
    this.#elapsedMs = Math.max(this.#elapsedMs, next?.dueMs ?? untilMs);
    next?.wake();
    return next !== undefined;
  }

  /** Lets time pass. Each sleep ends at its own time, and all that it wakes comes to its end before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await idle();
    while (this.step(untilMs)) await idle();
  }

  /** Lets time pass, but leaves what the last sleep woke in the middle of its way. */
  async advanceIntoWork(ms: number, turns: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await idle();
    while (this.step(untilMs)) {
      const isLast = this.#sleepers.next(untilMs) === undefined;
      if (isLast) break;
      await idle();
    }
    await someTurns(turns);
  }
}
