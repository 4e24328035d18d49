import { describe, expect, test } from "vitest";
import { delivered, FakeSink, retry } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

/** An agent that ended when `one` was whole and `tw` stood after it. */
async function ended(partials: "send" | "moveOver" = "send"): Promise<PipelineScene> {
  const sink = new FakeSink();
  const scene = await PipelineScene.create({ a: sink });
  await scene.write("x.log", "one\ntw");
  await scene.start();
  await scene.drain(partials);
  expect(sink.taken).toEqual(["one", "tw"]);
  expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 6, pendingBytes: 0, imbalanceBytes: 0 });
  await scene.end();
  return scene;
}

async function next(earlier: PipelineScene): Promise<{ scene: PipelineScene; sink: FakeSink }> {
  const sink = new FakeSink();
  const scene = await PipelineScene.create({ a: sink }, earlier);
  await scene.start();
  await scene.clock.advance(3_000);
  return { scene, sink };
}

describe("draining", () => {
  test("sends what waits in an open batch at once", async () => {
    const sink = new FakeSink(undefined, { maxAgeMs: 3_600_000 });
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.start();
    await scene.clock.advance(1_000);
    expect(sink.taken).toEqual([]);
    const before = scene.clock.elapsed();
    await scene.drain();
    expect(sink.taken).toEqual(["one"]);
    expect(scene.clock.elapsed() - before).toBeLessThan(2_000);
  });

  test("collapses the back-off of a sink that is failing", async () => {
    const sink = new FakeSink((_lines, attempt) => (attempt < 2 ? retry("429", 250_000) : delivered));
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.start();
    await scene.until("it is failing", () => sink.requests.length === 1);
    const before = scene.clock.elapsed();
    scene.pipeline.collapse();
    await scene.drain();
    expect(sink.taken).toEqual(["one"]);
    expect(scene.clock.elapsed() - before).toBeLessThan(2_000);
  });

  test("gives a sink up that was failing before and still is; its data stays pending", async () => {
    const sink = new FakeSink(() => retry());
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.start();
    await scene.until("it is failing", () => sink.requests.length > 1);
    scene.pipeline.collapse();
    await scene.drain();
    expect(scene.pipeline.account).toMatchObject({ pendingBytes: 4, deliveredBytes: 0, imbalanceBytes: 0 });
    expect(scene.pipeline.ended).toBe(false);
  });

  test("of a pipeline that has nothing to do ends at once", async () => {
    const scene = await PipelineScene.create({ a: new FakeSink() });
    await scene.start();
    const before = scene.clock.elapsed();
    await scene.drain();
    expect(scene.clock.elapsed() - before).toBeLessThan(1_000);
  });
});

describe("an unfinished last line", () => {
  test("is sent at the end, and the cursor stays before it", async () => {
    const earlier = await ended();
    expect(earlier.store.cursors.get("a")?.get(1)).toMatchObject({ position: { offset: 4 }, partial: { length: 2 } });
  });

  test("is not sent again after a restart, while it is unchanged", async () => {
    const { scene, sink } = await next(await ended());
    await scene.drain();
    expect(sink.taken).toEqual([]);
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 6, pendingBytes: 0, imbalanceBytes: 0 });
  });

  test("is sent whole once it was completed, and that is counted", async () => {
    const earlier = await ended();
    await earlier.append("x.log", "o\nthree\n");
    const { scene, sink } = await next(earlier);
    await scene.until("it has come", () => sink.taken.length === 2);
    expect(sink.taken).toEqual(["two", "three"]);
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 14, resentRecords: 1, imbalanceBytes: 0 });
  });

  test("that was completed in another way is sent as it is now", async () => {
    const earlier = await ended();
    await earlier.append("x.log", "ice");
    const { scene, sink } = await next(earlier);
    await scene.drain();
    expect(sink.taken).toEqual(["twice"]);
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 9, pendingBytes: 0, imbalanceBytes: 0 });
  });

  test("is not sent again when its file was rotated and can grow no more", async () => {
    const earlier = await ended();
    await earlier.rename("x.log", "x.log.1");
    await earlier.write("x.log", "new\n");
    const { scene, sink } = await next(earlier);
    await scene.registry.lookFully();
    await scene.clock.advance(61_000);
    await scene.registry.lookFully();
    await scene.until("the new line has come", () => sink.taken.length > 0);
    await scene.drain();
    expect(sink.taken).toEqual(["new"]);
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 10, pendingBytes: 0, imbalanceBytes: 0 });
  });

  test("at the end of what is read once: the cursor moves over it", async () => {
    const earlier = await ended("moveOver");
    expect(earlier.store.cursors.get("a")?.get(1)).toMatchObject({ position: { offset: 6 } });
    await earlier.append("x.log", "o\nthree\n");
    const { scene, sink } = await next(earlier);
    await scene.until("the rest has come", () => sink.taken.length === 2);
    expect(sink.taken).toEqual(["o", "three"]);
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 14, imbalanceBytes: 0 });
  });

  test("that is refused at the end is a dead letter, not delivered", async () => {
    const sink = new FakeSink((lines) => (lines.includes("tw") ? { kind: "rejected", reason: "400" } : delivered));
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\ntw");
    await scene.start();
    await scene.drain();
    const { account } = scene.pipeline;
    expect(account).toMatchObject({ deliveredBytes: 4, imbalanceBytes: 0 });
    expect(account.deadLetteredBytes + account.pendingBytes).toBe(2);
  });
});
