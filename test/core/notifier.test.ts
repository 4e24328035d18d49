import { expect, test } from "vitest";
import { Notifier } from "../../src/core/notifier.ts";
import { flush, TestClock } from "./test-clock.ts";

function waiting(notifier: Notifier, clock: TestClock, ms: number, signal?: AbortSignal) {
  const state = { ended: false };
  void notifier.wait(clock, ms, signal).then(() => (state.ended = true));
  return state;
}

test("a wait ends with a notification", async () => {
  const clock = new TestClock();
  const notifier = new Notifier();
  const wait = waiting(notifier, clock, 5_000);
  await flush();
  expect(wait.ended).toBe(false);
  notifier.notify();
  await flush();
  expect(wait.ended).toBe(true);
  expect(clock.sleeping).toBe(0);
});

test("a notification that came while nobody waited ends the next wait, and only that", async () => {
  const clock = new TestClock();
  const notifier = new Notifier();
  notifier.notify();
  notifier.notify();
  const first = waiting(notifier, clock, 5_000);
  await flush();
  expect(first.ended).toBe(true);
  const second = waiting(notifier, clock, 5_000);
  await flush();
  expect(second.ended).toBe(false);
  await clock.advance(5_000);
  expect(second.ended).toBe(true);
});

test("a wait ends when it is aborted, before or after it began", async () => {
  const clock = new TestClock();
  const controller = new AbortController();
  const wait = waiting(new Notifier(), clock, 5_000, controller.signal);
  controller.abort();
  await flush();
  expect(wait.ended).toBe(true);
  await new Notifier().wait(clock, 5_000, controller.signal);
});
