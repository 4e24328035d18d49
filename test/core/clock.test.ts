import { expect, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";

test("an aborted sleep ends at once and leaves no timer behind", async () => {
  const controller = new AbortController();
  const sleeping = systemClock.sleep(Number.POSITIVE_INFINITY, controller.signal);
  controller.abort();
  await sleeping;
  await systemClock.sleep(60_000, controller.signal);
  expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThanOrEqual(2);
});

test("a sleep of no or negative length ends", async () => {
  const before = systemClock.elapsed();
  await systemClock.sleep(0);
  await systemClock.sleep(-5);
  expect(systemClock.elapsed() - before).toBeLessThan(1_000);
});

test("monotonic time does not go back", () => {
  const before = systemClock.elapsed();
  expect(systemClock.elapsed()).toBeGreaterThanOrEqual(before);
});
