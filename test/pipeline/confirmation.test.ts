import { rm, truncate } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Outcome } from "../../src/core/outcome.ts";
import { flush } from "../core/test-clock.ts";
import { blocked, delivered, FakeSink, retry } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

/** What a receiver took and has not confirmed. */
interface Open {
  readonly lines: readonly string[];
  readonly settle: (isSafe: boolean) => void;
}

/** Takes everything, and confirms when the test does. `before` may answer otherwise. */
class ConfirmingSink extends FakeSink {
  readonly open: Open[] = [];
  before: (lines: readonly string[]) => Outcome | undefined = () => undefined;

  constructor(maxRecords: number) {
    super((lines) => this.before(lines) ?? this.receive(lines), { maxRecords, maxAgeMs: 0 });
  }

  receive(lines: readonly string[]): Outcome {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.open.push({ lines, settle: resolve });
    return { kind: "received", settled: promise };
  }
}

const cursorOf = (scene: PipelineScene): number | undefined => scene.store.cursors.get("a")?.get(1)?.position.offset;

async function world(content: string, maxRecords = 1) {
  const sink = new ConfirmingSink(maxRecords);
  const scene = await PipelineScene.create({ a: sink });
  await scene.write("x.log", content);
  await scene.start();
  return { scene, sink };
}

describe("what a receiver has taken but not confirmed", () => {
  test("holds up no other batch and no memory, and the cursor moves over it when it is confirmed, in the order of the file", async () => {
    const { scene, sink } = await world("1\n2\n3\n");
    await scene.until("all three are taken", () => sink.open.length === 3);
    expect([scene.pipeline.account.deliveredBytes, scene.budget.heldBytes]).toEqual([0, 0]);
    const seen: (number | undefined)[] = [];
    for (const index of [2, 0, 1]) {
      sink.open[index]?.settle(true);
      await flush();
      await flush();
      seen.push(cursorOf(scene));
    }
    expect(seen).toEqual([0, 2, 6]);
    expect(sink.requests).toHaveLength(3);
    expect(scene.pipeline.account).toMatchObject({ deliveredRecords: 3, pendingBytes: 0, imbalanceBytes: 0 });
  });

  test("is read and sent again when it is lost, until it is confirmed", async () => {
    const { scene, sink } = await world("1\n2\n", 2);
    await scene.until("it is taken", () => sink.open.length === 1);
    const answers = [retry(), blocked];
    sink.before = () => answers.shift();
    sink.open[0]?.settle(false);
    await scene.until("it is taken again", () => sink.open.length === 2);
    sink.open[1]?.settle(false);
    await scene.until("and again", () => sink.open.length === 3);
    expect(cursorOf(scene)).toBe(0);
    sink.open[2]?.settle(true);
    await scene.until("it is delivered", () => scene.pipeline.account.deliveredRecords === 2);
    expect(sink.requests).toEqual(Array.from({ length: 5 }, () => ["1", "2"]));
    expect(scene.events.find(({ kind }) => kind === "sink.unconfirmed")).toMatchObject({ sink: "a", records: 2 });
    expect(sink.refreshes).toBe(1);
    expect(scene.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["sink.failing", "sink.blocked"]));
    expect(scene.pipeline.account).toMatchObject({ deadLetteredRecords: 0, imbalanceBytes: 0 });
  });

  test("of a batch that was narrowed, only what is lost is sent again, and a dead letter is one once", async () => {
    const { scene, sink } = await world("1\n2\nbad\n4\n5\n", 5);
    sink.before = (lines) => {
      const firstBad = lines.indexOf("bad");
      if (firstBad !== -1)
        return { kind: "rejected", reason: "bad", firstBad: lines.length > 2 ? undefined : firstBad };
      return undefined;
    };
    await scene.until("all but one are taken", () => sink.open.flatMap(({ lines }) => lines).length === 4);
    const first = sink.open.length;
    const lost = sink.open.find(({ lines }) => lines.includes("5"));
    for (const one of sink.open) one.settle(one !== lost);
    await scene.until("the lost ones are taken again", () => sink.open.length === first + 1);
    expect(sink.open.at(-1)?.lines).toEqual(lost?.lines);
    sink.open.at(-1)?.settle(false);
    await scene.until("and again", () => sink.open.length === first + 2);
    expect(sink.open.at(-1)?.lines).toEqual(lost?.lines);
    sink.open.at(-1)?.settle(true);
    await scene.until("all is settled", () => scene.pipeline.account.pendingBytes === 0);
    expect(scene.pipeline.account).toMatchObject({ deliveredRecords: 4, deadLetteredRecords: 1, imbalanceBytes: 0 });
  });

  test.each<[string, (scene: PipelineScene) => Promise<void>]>([
    ["rotated", (scene) => scene.rename("x.log", "x.log.1")],
    ["deleted", (scene) => rm(scene.path("x.log"))],
    ["written on", (scene) => scene.append("x.log", "3\n")],
  ])("is read again from a file that was %s meanwhile", async (_, change) => {
    const { scene, sink } = await world("1\n2\n", 2);
    await scene.until("it is taken", () => sink.open.length === 1);
    await change(scene);
    await scene.registry.lookFully();
    await scene.clock.advance(120_000);
    await scene.registry.lookFully();
    sink.open[0]?.settle(false);
    await scene.until("it is taken again", () => sink.open.slice(1).some(({ lines }) => lines.includes("1")));
    expect(sink.open.slice(1).filter(({ lines }) => lines.includes("1"))).toMatchObject([{ lines: ["1", "2"] }]);
  });

  test("counts as lost, by name, when its file was truncated before it could be sent again", async () => {
    const { scene, sink } = await world("one\ntwo\n", 2);
    await scene.until("it is taken", () => sink.open.length === 1);
    await truncate(scene.path("x.log"), 0);
    await scene.append("x.log", "new\n");
    sink.open[0]?.settle(false);
    await scene.clock.advance(1_000);
    await scene.registry.lookFully();
    await scene.until("the loss is told", () => scene.events.some(({ kind }) => kind === "data.lost"));
    await scene.until("the new line is taken", () => sink.open.length === 2);
    sink.open[1]?.settle(true);
    await scene.until("all is settled", () => scene.pipeline.account.pendingBytes === 0);
    expect(sink.open[1]?.lines).toEqual(["new"]);
    expect(scene.store.losses).toMatchObject([{ from: 0, to: 8, reason: expect.stringContaining("not confirmed") }]);
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 4, lostBytes: 8, imbalanceBytes: 0 });
  });

  test("counts as lost, by name, when other bytes stand in its place", async () => {
    const { scene, sink } = await world("one\ntwo\n", 2);
    await scene.until("it is taken", () => sink.open.length === 1);
    // What stands before and behind it is as it was.
    await scene.write("x.log", "one\nsix\n");
    sink.open[0]?.settle(false);
    await scene.until("the loss is told", () => scene.events.some(({ kind }) => kind === "data.lost"));
    expect(scene.store.losses).toMatchObject([{ from: 0, to: 8, reason: expect.stringContaining("overwritten") }]);
    expect(scene.pipeline.account).toMatchObject({ lostBytes: 8, pendingBytes: 0, imbalanceBytes: 0 });
    expect(sink.open).toHaveLength(1);
  });

  test("is waited for at the end, and sent again then too", async () => {
    const { scene, sink } = await world("1\nunfinished");
    await scene.until("it is taken", () => sink.open.length === 1);
    let hasDrained = false;
    const draining = scene.drain().then(() => (hasDrained = true));
    await scene.clock.advance(10_000);
    for (const [index, isSafe] of [false, true, false, true].entries()) {
      await scene.until("it is taken", () => sink.open.length === index + 1);
      expect(hasDrained).toBe(false);
      sink.open[index]?.settle(isSafe);
    }
    await draining;
    expect(sink.requests).toEqual([["1"], ["1"], ["unfinished"], ["unfinished"]]);
    expect(scene.pipeline.account).toMatchObject({ deliveredRecords: 1, deliveredBytes: 12, pendingBytes: 0 });
  });

  test("stays pending when the sink is stopped before, and the next start sends it again", async () => {
    const { scene, sink } = await world("1\n2\n");
    await scene.until("both are taken", () => sink.open.length === 2);
    sink.open[1]?.settle(true);
    await flush();
    await scene.end();
    expect(scene.pipeline.account).toMatchObject({ deliveredBytes: 0, pendingBytes: 4, imbalanceBytes: 0 });
    const next = new FakeSink(() => delivered);
    const later = await PipelineScene.create({ a: next }, scene);
    await later.start();
    await later.until("both are delivered", () => next.taken.length === 2);
    expect(next.taken).toEqual(["1", "2"]);
  });
});
