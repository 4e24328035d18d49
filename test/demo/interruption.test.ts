import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { Interruption } from "../../src/demo/interruption.ts";
import { sleepingClock } from "./clock.ts";

describe("an interruption", () => {
  test("ends by the first signal; npm's copy of it is not a second one", () => {
    const signals = new EventEmitter();
    const clock = sleepingClock();
    let repeated = 0;
    using interruption = new Interruption(signals, clock, () => (repeated += 1));
    signals.emit("SIGINT", "SIGINT");
    signals.emit("SIGINT", "SIGINT");
    expect([interruption.signal.aborted, interruption.reason, repeated]).toEqual([true, "SIGINT", 0]);
    void clock.sleep(500);
    signals.emit("SIGTERM", "SIGTERM");
    expect([interruption.reason, repeated]).toEqual(["SIGINT", 1]);
  });

  test("a signal after another reason to stop is a repeated one", () => {
    const signals = new EventEmitter();
    const clock = sleepingClock();
    let repeated = 0;
    using interruption = new Interruption(signals, clock, () => (repeated += 1));
    interruption.stop("time is over");
    void clock.sleep(1_000);
    signals.emit("SIGINT", "SIGINT");
    expect([interruption.reason, repeated]).toEqual(["time is over", 1]);
  });

  test("ends after a time, but never after an infinite one", async () => {
    using interruption = new Interruption(new EventEmitter(), sleepingClock(), () => {});
    interruption.stopAfter(Number.POSITIVE_INFINITY, "never");
    interruption.stopAfter(3_000, "3 seconds are over");
    await Promise.resolve();
    expect(interruption.reason).toBe("3 seconds are over");
  });

  test("listens no longer once it is disposed of", () => {
    const signals = new EventEmitter();
    new Interruption(signals, sleepingClock(), () => {})[Symbol.dispose]();
    expect(signals.eventNames()).toEqual([]);
  });
});
