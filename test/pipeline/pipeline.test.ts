import { rm, truncate } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { flush } from "../core/test-clock.ts";
import { blocked, delivered, FakeSink, retry } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

const lines = (count: number, prefix = "line"): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix} ${i}`);
const FOUR = { min: 4, max: 4 };
const text = (bodies: readonly string[]): string => bodies.map((body) => `${body}\n`).join("");

/** The account adds up, and no event says otherwise. */
function expectBalanced(scene: PipelineScene): void {
  for (const { account } of scene.pipelines) expect(account.imbalanceBytes).toBe(0);
  expect(scene.events.filter(({ kind }) => kind === "sink.unbalanced")).toEqual([]);
}

describe("a pipeline", () => {
  test("delivers every line of every file once and in order, and its account balances", async () => {
    const sink = new FakeSink();
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", text(lines(3_000, "x")));
    await scene.write("y.log", text(lines(10, "y")));
    await scene.start();
    await scene.until("all is delivered", () => sink.taken.length === 3_010);
    expect(sink.taken.filter((line) => line.startsWith("x"))).toEqual(lines(3_000, "x"));
    expect(sink.taken.filter((line) => line.startsWith("y"))).toEqual(lines(10, "y"));
    await scene.drain();
    expect(scene.pipeline.account).toMatchObject({ deliveredRecords: 3_010, pendingBytes: 0, files: 2 });
    expectBalanced(scene);
    expect(sink.closed).toBe(1);
  });

  test("sends a small batch when it is old enough, and a full one at once", async () => {
    const sink = new FakeSink(undefined, { maxRecords: 100, maxAgeMs: 1_000 });
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", text(lines(105)));
    await scene.start();
    await scene.until("the full one is sent", () => sink.requests.length >= 1);
    expect(sink.requests[0]).toHaveLength(100);
    await scene.until("the small one is sent", () => sink.requests.length >= 2);
    expect(sink.requests[1]).toHaveLength(5);
  });

  test("records its first cursor before it reads", async () => {
    const sink = new FakeSink();
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.registry.start();
    expect(scene.store.cursors.get("a")?.get(1)).toMatchObject({ first: 0, position: { offset: 0 } });
    expect(sink.requests).toEqual([]);
  });

  test("moves its cursor only over what was delivered, whatever the order of the answers", async () => {
    const answers: (() => void)[] = [];
    const sink = new FakeSink(
      () => new Promise((resolve) => answers.push(() => resolve(delivered))),
      { maxRecords: 1, maxAgeMs: 0 },
      { min: 3, max: 3 },
    );
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "1\n2\n3\n");
    await scene.start();
    await scene.until("three are in flight", () => answers.length === 3);
    const offset = (): number | undefined => scene.store.cursors.get("a")?.get(1)?.position.offset;
    const seen: (number | undefined)[] = [];
    for (const index of [2, 0, 1]) {
      answers[index]?.();
      await flush();
      await flush();
      seen.push(offset());
      expectBalanced(scene);
    }
    expect(seen).toEqual([0, 2, 6]);
  });

  test("never has more requests in flight than it may", async () => {
    const sink = new FakeSink(
      async () => {
        await flush();
        return delivered;
      },
      { maxRecords: 5, maxAgeMs: 0 },
      { min: 1, max: 3 },
    );
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", text(lines(500)));
    await scene.start();
    await scene.until("all is delivered", () => sink.taken.length === 500);
    expect(sink.maxInFlight).toBe(3);
  });

  test("that fails slows no other", async () => {
    const [good, dead] = [new FakeSink(), new FakeSink(() => retry())];
    const scene = await PipelineScene.create({ good, dead });
    await scene.write("x.log", text(lines(5_000)));
    await scene.start();
    await scene.until("the good one has all", () => good.taken.length === 5_000);
    expect(good.taken).toEqual(lines(5_000));
    expect(dead.taken).toEqual([]);
    expect(scene.pipelines[1]?.account).toMatchObject({ deliveredBytes: 0 });
    expectBalanced(scene);
  });

  test("catches up when its outage is over, and loses nothing of rotations meanwhile", async () => {
    let down = true;
    const sink = new FakeSink(() => (down ? retry() : delivered));
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", text(lines(50, "old")));
    await scene.start();
    await scene.clock.advance(5_000);
    await scene.rename("x.log", "x.log.1");
    await scene.write("x.log", text(lines(50, "new")));
    await scene.registry.lookFully();
    await scene.clock.advance(100_000);
    await scene.registry.lookFully();
    down = false;
    await scene.until("all is delivered", () => sink.taken.length === 100);
    expect(sink.taken).toEqual([...lines(50, "old"), ...lines(50, "new")]);
    expect(scene.events.map(({ kind }) => kind)).toContain("sink.recovered");
    expectBalanced(scene);
  });

  test("waits with the younger generations while a closed older one, which was renamed again, is looked for", async () => {
    let isUp = false;
    const sink = new FakeSink(() => (isUp ? delivered : retry()), { maxRecords: 1 });
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", text(["a1"]));
    await scene.start();
    await scene.until("it is sent", () => sink.requests.length > 0);
    await scene.append("x.log", text(["a2"]));
    await scene.rename("x.log", "x.log.1");
    await scene.write("x.log", text(["b1"]));
    await scene.registry.lookFully();
    for (const file of scene.registry.files.values()) if (file.path === scene.path("x.log.1")) await file.close();
    await scene.rename("x.log.1", "x.log.2");
    await scene.rename("x.log", "x.log.1");
    await scene.write("x.log", text(["c1"]));
    isUp = true;
    await scene.until("the first is delivered", () => sink.taken.length > 0);
    await scene.clock.advance(10_000);
    expect(sink.taken).toEqual(["a1"]);
    await scene.registry.look([]);
    await scene.until("the next are delivered", () => sink.taken.length > 2);
    expect(sink.taken).toEqual(["a1", "a2", "b1"]);
  });

  test("loses nothing when a file is written anew, and longer, before what was read of it has got anywhere", async () => {
    const sink = new FakeSink(() => retry());
    const scene = await PipelineScene.create({ a: sink });
    // Their beginnings are all that a fingerprint covers.
    const head = "the same\n".repeat(200);
    await scene.write("x.log", `${head}${text(["one"])}`);
    await scene.start();
    await scene.until("it is sent", () => sink.requests.length > 0);
    await truncate(scene.path("x.log"), 0);
    await scene.append("x.log", `${head}${text(["two", "three", "four"])}`);
    await scene.registry.lookFully();
    sink.answer = () => delivered;
    await scene.until("all is delivered", () => sink.taken.at(-1) === "four");
    expect(scene.pipeline.account).toMatchObject({ lostBytes: 0, deliveredRecords: 404 });
    expect(scene.events.filter(({ kind }) => kind === "data.lost")).toEqual([]);
  });

  test("names what is lost when a file is truncated before it was read", async () => {
    const sink = new FakeSink(() => blocked);
    const scene = await PipelineScene.create({ a: sink });
    const content = text(lines(200_000));
    await scene.write("x.log", content);
    await scene.start();
    await scene.clock.advance(3_000);
    await truncate(scene.path("x.log"), 0);
    await scene.append("x.log", "new\n");
    await scene.registry.lookFully();
    sink.answer = () => delivered;
    await scene.until("the new line has come", () => sink.taken.includes("new"));
    await scene.drain();
    const { account } = scene.pipeline;
    expect(account.lostBytes).toBeGreaterThan(0);
    expect(account.deliveredBytes + account.lostBytes).toBe(content.length + 4);
    const losses = scene.events.flatMap((event) => (event.kind === "data.lost" ? [event.loss] : []));
    expect(losses.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(account.lostBytes);
    expect(scene.store.losses).toEqual(losses);
    expectBalanced(scene);
  });

  test("tries again to read what could not be read for a moment, though the file does not grow", async () => {
    const sink = new FakeSink();
    let failures = 3;
    const scene = await PipelineScene.create({ a: sink }, undefined, (reader) => ({
      readAgain: (...args) => reader.readAgain(...args),
      read: async (...args) => ((failures -= 1) >= 0 ? { kind: "unreadable" } : reader.read(...args)),
    }));
    await scene.write("x.log", "one\n");
    await scene.start();
    for (let i = 0; i < 5; i += 1) {
      await scene.clock.advance(5_000);
      await scene.registry.lookFully();
    }
    await scene.until("it is delivered", () => sink.taken.length === 1);
    expect(sink.taken).toEqual(["one"]);
  });

  test("keeps the counters of files that are forgotten", async () => {
    const sink = new FakeSink();
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n\ntwo\n");
    await scene.start();
    await scene.until("all is delivered", () => sink.taken.length === 2);
    await rm(scene.path("x.log"));
    for (let i = 0; i < 3; i += 1) {
      await scene.registry.lookFully();
      await scene.clock.advance(61_000);
    }
    expect(scene.registry.files.size).toBe(0);
    expect(scene.pipeline.account).toMatchObject({
      files: 0,
      totalBytes: 9,
      deliveredBytes: 8,
      filteredBytes: 1,
      deliveredRecords: 2,
    });
    expectBalanced(scene);
  });

  test("whose receiver has gone ends, and needs no file any more", async () => {
    const sink = new FakeSink(() => ({ kind: "ended", reason: "EPIPE" }));
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.start();
    await scene.until("it has ended", () => scene.pipeline.ended);
    await scene.pipeline.run();
    const [file] = scene.registry.files.values();
    expect(file && scene.pipeline.needs(file)).toBe(false);
    expect(scene.events.filter(({ kind }) => kind === "sink.ended")).toHaveLength(1);
  });

  test("ends with the bug of its sink, after it closed it", async () => {
    const sink = new FakeSink(() => {
      throw new RangeError("a bug");
    });
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("x.log", "one\n");
    await scene.registry.start();
    let thrown: unknown;
    void scene.pipeline.run().catch((error: unknown) => (thrown = error));
    await scene.until("it has ended", () => thrown !== undefined);
    expect(thrown).toMatchObject({ message: "a bug" });
    expect(sink.closed).toBe(1);
  });

  // The sinks of a scene share 32 MiB, and a batch may need three times what its body may have.
  test.each([
    [10, 4],
    [11, 1],
  ])("with bodies of up to %d MiB begins %d at the same time of the 4 it may", async (maxMib, inFlight) => {
    const hangs = new FakeSink(
      (_lines, _attempt, signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(retry()))),
      { maxRecords: 1, maxBytes: maxMib * 1_024 ** 2 },
      FOUR,
    );
    const scene = await PipelineScene.create({ a: hangs });
    await scene.write("x.log", text(lines(20)));
    await scene.start();
    await scene.until("they are under way", () => hangs.inFlight === inFlight);
    await scene.clock.advance(10_000);
    expect(hangs.maxInFlight).toBe(inFlight);
    scene.pipeline.stop();
  });

  test("that is stopped twice, or before it began, ends", async () => {
    const sink = new FakeSink(() => retry());
    const scene = await PipelineScene.create({ a: sink, b: new FakeSink() });
    await scene.write("x.log", "one\n");
    scene.pipelines[1]?.stop();
    await scene.start();
    await scene.clock.advance(2_000);
    scene.pipeline.stop();
    scene.pipeline.stop();
    await Promise.all(scene.pipelines.map((pipeline) => pipeline.run()));
    expect(scene.budget.heldBytes).toBe(0);
    expectBalanced(scene);
  });
});
