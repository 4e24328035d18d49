import { expect, test } from "vitest";
import { MemoryBudget } from "../../src/pipeline/memory-budget.ts";

test("a sink without a batch always gets one; more only within the bound", () => {
  const budget = new MemoryBudget(100);
  expect(budget.allows(0, 1_000)).toBe(true);
  budget.hold(90);
  expect([budget.allows(1, 10), budget.allows(1, 11), budget.allows(0, 11)]).toEqual([true, false, true]);
  budget.release(90);
  expect([budget.heldBytes, budget.allows(3, 100)]).toEqual([0, true]);
});

test("those who wait are woken by a release until they no longer want to be", () => {
  const budget = new MemoryBudget(100);
  let wakes = 0;
  const stop = budget.onRelease(() => (wakes += 1));
  budget.hold(10);
  budget.release(5);
  stop();
  budget.release(5);
  expect(wakes).toBe(1);
});
