import { describe, expect, test } from "vitest";
import { TestClock } from "./test-clock.ts";

describe("the test clock", () => {
  test("ends sleeps in the order in which they are due, each at its own time", async () => {
    const clock = new TestClock();
    const start = clock.elapsed();
    const ended: [string, number][] = [];
    const sleep = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      ended.push([name, clock.elapsed() - start]);
    };
    void sleep("late", 300);
    void sleep("early", 100);
    void sleep("too late", 1_000);
    await clock.advance(500);
    expect(ended).toEqual([
      ["early", 100],
      ["late", 300],
    ]);
    expect(clock.sleeping).toBe(1);
  });

  test("a sleep that begins while the time is stepped takes part", async () => {
    const clock = new TestClock();
    let rounds = 0;
    void (async () => {
      for (;;) {
        await clock.sleep(100);
        rounds += 1;
      }
    })();
    await clock.advance(1_000);
    expect(rounds).toBe(10);
  });

  test("an abort ends a sleep at once", async () => {
    const clock = new TestClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(1_000, controller.signal);
    controller.abort();
    await sleeping;
    await clock.sleep(1_000, controller.signal);
    expect(clock.sleeping).toBe(0);
  });

  test("a jump moves the wall clock only", () => {
    const clock = new TestClock(5_000);
    const before = clock.elapsed();
    clock.jump(-3_000);
    expect([clock.now(), clock.elapsed()]).toEqual([2_000, before]);
  });
});
