import { describe, expect, test } from "vitest";
import type { Outcome } from "../../src/core/outcome.ts";
import { type Answer, delivered, FakeSink, retry } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

const never = new Promise<never>(() => undefined);
const rejected: Outcome = { kind: "rejected", reason: "no" };
const unconfirmed: Outcome = { kind: "received", settled: never };

/** A pipeline that has sent a request with that answer. */
async function after(answer: Answer, content = "one\n"): Promise<PipelineScene> {
  const sink = new FakeSink(answer, { maxAgeMs: 0 });
  const scene = await PipelineScene.create({ a: sink });
  await scene.write("x.log", content);
  await scene.start();
  await scene.until("a request", () => sink.requests.length >= 1);
  await scene.clock.advance(1_000);
  return scene;
}

describe("a pipeline that should get on, for the health by progress,", () => {
  test("is one with a request that does not come back", async () => {
    const { pipeline } = await after((_lines, _attempt, signal) => {
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(retry())));
    });
    expect([pipeline.isBusy, pipeline.inFlight, pipeline.succeededAtMs]).toEqual([true, 1, undefined]);
  });

  test("is none that has delivered everything", async () => {
    const { pipeline } = await after(() => delivered);
    expect([pipeline.isBusy, pipeline.inFlight, pipeline.succeededAtMs]).toEqual([false, 0, expect.any(Number)]);
  });

  test("is none that waits for the end of a line", async () => {
    const { pipeline } = await after(() => delivered, "one\ntwo");
    expect(pipeline.account.pendingBytes).toBe(3);
    expect(pipeline.isBusy).toBe(false);
  });

  test("is none whose batch waits for more, however long it may", async () => {
    const sink = new FakeSink(() => delivered, { maxAgeMs: 3_600_000 });
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.start();
    await scene.until("it is filled", () => scene.pipeline.inFlight === 1);
    await scene.clock.advance(600_000);
    expect([sink.requests.length, scene.pipeline.isBusy]).toEqual([0, false]);
  });

  test("is none whose receiver fails", async () => {
    const { pipeline } = await after(() => retry());
    expect(pipeline.isBusy).toBe(false);
  });

  test("is none whose receiver has yet to confirm", async () => {
    const { pipeline } = await after(() => unconfirmed);
    expect(pipeline.account.pendingBytes).toBe(4);
    expect(pipeline.isBusy).toBe(false);
  });

  test("is none that waits because a refused record can't be kept", async () => {
    // Larger than all dead letters may be.
    const scene = await after(() => rejected, `${"a".repeat(900_000)}\n${"b".repeat(900_000)}\n`);
    await scene.until("the store is full", () => scene.events.some(({ kind }) => kind === "sink.deadLettersStuck"));
    expect(scene.pipeline.isBusy).toBe(false);
    expect(scene.pipeline.inFlight).toBe(1);
  });
});
