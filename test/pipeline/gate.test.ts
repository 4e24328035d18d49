import { describe, expect, onTestFinished, test } from "vitest";
import { Gate } from "../../src/pipeline/gate.ts";
import { flush, TestClock } from "../core/test-clock.ts";
import { blocked, delivered, retry } from "./fakes.ts";

interface World {
  readonly clock: TestClock;
  readonly gate: Gate;
  /** Reasons and waits of the failures that a person is told of. */
  readonly failing: [string, number][];
  readonly recovered: number[];
  readonly stop: AbortController;
  random: number;
}

function world(concurrency = { min: 1, max: 8 }): World {
  const clock = new TestClock();
  const made: Omit<World, "gate"> = { clock, failing: [], recovered: [], stop: new AbortController(), random: 0.5 };
  const gate = new Gate({
    concurrency,
    clock,
    random: () => made.random,
    onFailing: ({ reason }, waitMs) => made.failing.push([reason, waitMs]),
    onRecovered: (outageMs) => made.recovered.push(outageMs),
  });
  onTestFinished(() => made.stop.abort());
  return Object.assign(made, { gate });
}

/** Batches that come to the gate and wait to attempt. */
function entering({ gate, stop }: World, count: number) {
  const state = { through: 0 };
  for (let i = 0; i < count; i += 1) void gate.enter(stop.signal).then(() => (state.through += 1));
  return state;
}

/** Places that can be taken now. */
async function places({ gate, stop }: World): Promise<number> {
  let taken = 0;
  for (let i = 0; i < 20; i += 1) void gate.acquire(stop.signal).then((ok) => (taken += ok ? 1 : 0));
  await flush();
  return taken;
}

describe("while the sink is well", () => {
  test("everybody may attempt at once", async () => {
    const one = world();
    const waiting = entering(one, 5);
    await flush();
    expect(waiting.through).toBe(5);
  });

  test("it begins with the least concurrency and adds one for each round of successes", async () => {
    const one = world({ min: 1, max: 4 });
    expect(await places(one)).toBe(1);
    const grown: number[] = [];
    for (let successes = 1; successes <= 8; successes += 1) {
      const many = world({ min: 1, max: 4 });
      for (let i = 0; i < successes; i += 1) many.gate.settle(delivered, 1);
      grown.push(await places(many));
    }
    expect(grown).toEqual([2, 2, 2, 3, 3, 3, 4, 4]);
  });

  test("a failure halves the concurrency, never below the least", async () => {
    const one = world({ min: 2, max: 8 });
    for (let i = 0; i < 100; i += 1) one.gate.settle(delivered, 1);
    one.gate.settle(retry(), 1);
    expect(await places(one)).toBe(4);
    const low = world({ min: 2, max: 8 });
    for (let i = 0; i < 5; i += 1) low.gate.settle(retry(), 1);
    expect(await places(low)).toBe(2);
  });

  test("max 1 means one at a time, whatever succeeds", async () => {
    const one = world({ min: 1, max: 1 });
    for (let i = 0; i < 50; i += 1) one.gate.settle(delivered, 1);
    expect(await places(one)).toBe(1);
    one.gate.release();
    await flush();
    expect(one.gate.inFlight).toBe(1);
  });
});

describe("while the sink is failing", () => {
  test("one batch probes and the others wait; its failure lets the next one probe", async () => {
    const one = world();
    one.gate.settle(retry(), 1);
    const waiting = entering(one, 5);
    await one.clock.advance(249);
    expect(waiting.through).toBe(0);
    await one.clock.advance(1);
    expect(waiting.through).toBe(1);
    await one.clock.advance(60_000);
    expect(waiting.through).toBe(1);
    one.gate.settle(retry(), 1);
    await one.clock.advance(60_000);
    expect(waiting.through).toBe(2);
  });

  test("its recovery lets all through and is told with the length of the outage", async () => {
    const one = world();
    one.gate.settle(retry(), 1);
    const waiting = entering(one, 5);
    await one.clock.advance(10_000);
    expect(waiting.through).toBe(1);
    one.gate.settle(delivered, 1);
    await flush();
    expect([waiting.through, one.gate.state.kind, one.recovered]).toEqual([5, "closed", [10_000]]);
  });

  test("requests that were in flight when it began are part of the same failure", async () => {
    const one = world();
    for (let i = 0; i < 8; i += 1) one.gate.settle(retry(), 1);
    expect(one.failing).toHaveLength(1);
    expect(one.gate.state).toMatchObject({ kind: "open", failure: { count: 1 } });
  });

  test("waits grow with the failures within the bounds of full jitter, and none is skipped", async () => {
    const one = world();
    one.random = 0.999;
    one.gate.settle(retry(), 1);
    for (let i = 0; i < 30; i += 1) {
      const waiting = entering(one, 1);
      await one.clock.advance(40_000);
      expect(waiting.through).toBe(1);
      one.gate.settle(retry(), 1);
    }
    const waits = one.failing.map(([, waitMs]) => waitMs);
    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(waits.at(-1)).toBeGreaterThan(29_000);
  });

  test("a Retry-After wins, also one that comes from a request already in flight", async () => {
    const one = world();
    one.gate.settle(retry("429", 7_000), 1);
    const waiting = entering(one, 1);
    await one.clock.advance(6_999);
    expect(waiting.through).toBe(0);
    await one.clock.advance(1);
    expect(waiting.through).toBe(1);

    const late = world();
    late.gate.settle(retry("503"), 1);
    late.gate.settle(retry("429", 9_000), 1);
    const other = entering(late, 1);
    await late.clock.advance(8_999);
    expect(other.through).toBe(0);
    await late.clock.advance(1);
    expect(other.through).toBe(1);
  });

  test("a Retry-After is clamped to five minutes", async () => {
    const one = world();
    one.gate.settle(retry("429", 86_400_000), 1);
    const waiting = entering(one, 1);
    await one.clock.advance(300_000);
    expect(waiting.through).toBe(1);
  });

  test("a blocked sink is probed slowly", async () => {
    const one = world();
    one.random = 0;
    one.gate.settle(blocked, 1);
    const waiting = entering(one, 1);
    await one.clock.advance(999);
    expect(waiting.through).toBe(0);
    await one.clock.advance(1);
    expect(waiting.through).toBe(1);
    expect(one.failing).toEqual([["401", 1_000]]);
  });

  test("another kind of failure is another row, with waits from the beginning, of the same outage", async () => {
    const one = world();
    const sinceMs = one.clock.elapsed();
    for (let i = 0; i < 10; i += 1) {
      one.gate.settle(retry(), 1);
      await Promise.all([one.gate.enter(one.stop.signal), one.clock.advance(30_000)]);
    }
    one.gate.settle(blocked, 1);
    expect(one.failing.at(-1)).toEqual(["401", 1_500]);
    expect(one.gate.state).toMatchObject({ kind: "open", failure: { kind: "blocked", count: 1, sinceMs } });
  });

  test("one batch at a time may lend its place to another", async () => {
    const { gate, stop } = world({ min: 1, max: 2 });
    expect(await gate.acquire(stop.signal)).toBe(true);
    expect([gate.standAside(), gate.standAside()]).toEqual([true, false]);
    expect(await gate.acquire(stop.signal)).toBe(true);
    expect(gate.inFlight).toBe(2);
    gate.release();
    gate.comeBack();
    expect(gate.standAside()).toBe(true);
  });

  test("none lends its place where strict order is wanted", async () => {
    const { gate, stop } = world({ min: 1, max: 1 });
    expect(await gate.acquire(stop.signal)).toBe(true);
    expect(gate.standAside()).toBe(false);
  });

  test("an abort ends the wait and takes no turn from the others", async () => {
    const one = world();
    one.gate.settle(retry(), 1);
    const gaveUp = new AbortController();
    let ended = false;
    void one.gate.enter(gaveUp.signal).then(() => (ended = true));
    const waiting = entering(one, 1);
    gaveUp.abort();
    await flush();
    expect([ended, waiting.through]).toEqual([true, 0]);
    await one.clock.advance(1_000);
    expect(waiting.through).toBe(1);
    expect(await one.gate.acquire(gaveUp.signal)).toBe(false);
  });
});

describe("when the agent is stopping", () => {
  test("the present wait ends at once, and no later one is longer than a moment", async () => {
    const one = world();
    one.gate.settle(retry("429", 200_000), 1);
    const waiting = entering(one, 2);
    await flush();
    one.gate.collapse();
    await flush();
    expect(waiting.through).toBe(1);
    one.gate.settle(retry("429", 200_000), 1);
    await one.clock.advance(250);
    expect(waiting.through).toBe(2);
    one.gate.settle(blocked, 1);
    const next = entering(one, 1);
    await one.clock.advance(250);
    expect(next.through).toBe(1);
  });

  test("nobody waits for a failure that never was", async () => {
    const one = world();
    one.gate.collapse();
    const waiting = entering(one, 2);
    await flush();
    expect(waiting.through).toBe(2);
  });
});

test("nothing is left that waits once everything has ended", async () => {
  const one = world();
  one.gate.settle(retry(), 1);
  entering(one, 10);
  await one.clock.advance(1_000);
  one.gate.settle(delivered, 1);
  await flush();
  expect(one.clock.sleeping).toBe(0);
});
