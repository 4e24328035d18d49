import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { Interruption } from "../../src/commands/interruption.ts";
import { sleepingClock } from "../demo/clock.ts";

describe("an interruption", () => {
  test("ends by the first signal; npm's copy of it is not a second one", () => {
    const signals = new EventEmitter();
    const clock = sleepingClock();
    using interruption = new Interruption(signals, clock);
    signals.emit("SIGINT", "SIGINT");
    signals.emit("SIGINT", "SIGINT");
    expect([interruption.signal.aborted, interruption.reason, interruption.repeated.aborted]).toEqual([
      true,
      "SIGINT",
      false,
    ]);
    void clock.sleep(500);
    signals.emit("SIGTERM", "SIGTERM");
    expect([interruption.reason, interruption.repeated.aborted]).toEqual(["SIGINT", true]);
  });

  test("a signal after another reason to stop is a repeated one", () => {
    const signals = new EventEmitter();
    const clock = sleepingClock();
    using interruption = new Interruption(signals, clock);
    interruption.stop("time is over");
    void clock.sleep(1_000);
    signals.emit("SIGINT", "SIGINT");
    expect([interruption.reason, interruption.repeated.aborted]).toEqual(["time is over", true]);
  });

  test("ends after a time, but never after an infinite one", async () => {
    using interruption = new Interruption(new EventEmitter(), sleepingClock());
    interruption.stopAfter(Number.POSITIVE_INFINITY, "never");
    interruption.stopAfter(3_000, "3 seconds are over");
    await Promise.resolve();
    expect(interruption.reason).toBe("3 seconds are over");
  });

  test("hears of the signals it is told of, and of no others", () => {
    const signals = new EventEmitter();
    using interruption = new Interruption(signals, sleepingClock(), ["SIGTERM", "SIGHUP"]);
    signals.emit("SIGINT", "SIGINT");
    expect(interruption.signal.aborted).toBe(false);
    signals.emit("SIGHUP", "SIGHUP");
    expect(interruption.reason).toBe("SIGHUP");
  });

  test("listens no longer once it is disposed of", () => {
    const signals = new EventEmitter();
    new Interruption(signals, sleepingClock())[Symbol.dispose]();
    expect(signals.eventNames()).toEqual([]);
  });
});
