import { expect, test } from "vitest";
import { FakeSink, delivered, retry } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

const HOURS = 3_600_000;

test.each([6 * HOURS, -6 * HOURS])(
  "a wall clock that jumps by %d ms in an outage neither prolongs nor ends it, and costs no line",
  async (jumpMs) => {
    const sink = new FakeSink((_lines, attempt) => (attempt <= 3 ? retry() : delivered));
    const scene = await PipelineScene.create({ a: sink });
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.until("the outage", () => sink.requests.length === 1);
    const attempts = sink.requests.length;
    scene.clock.jump(jumpMs);
    // Time alone ends a wait, not the clock on the wall.
    expect(sink.requests.length).toBe(attempts);
    const from = scene.clock.elapsed();
    await scene.until("its end", () => sink.taken.length === 2);
    expect(scene.clock.elapsed() - from).toBeLessThan(5_000);
    scene.clock.jump(-jumpMs);
    await scene.append("app.log", "three\n");
    await scene.registry.lookFully();
    await scene.until("the next line", () => sink.taken.length === 3);
    await scene.drain();
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 14, pendingBytes: 0, imbalanceBytes: 0 });
    expect(sink.taken).toEqual(["one", "two", "three"]);
  },
);
