import type { Clock } from "../../src/core/clock.ts";

/** A clock that stands still but for the sleeps: each is over at once. `onSleep` is told the time after it. */
export function sleepingClock(onSleep: (elapsedMs: number) => void = () => {}): Clock {
  const startMs = Date.UTC(2026, 9, 10, 13, 55, 36);
  let elapsedMs = 0;
  return {
    now: () => startMs + elapsedMs,
    elapsed: () => elapsedMs,
    sleep: async (ms) => {
      elapsedMs += ms;
      onSleep(elapsedMs);
    },
  };
}
