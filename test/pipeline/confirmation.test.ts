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

/** Takes everything, and confirms when the test does. `onResend` answers what is sent again. */
class ConfirmingSink extends FakeSink {
  readonly open: Open[] = [];
  readonly resent: (readonly string[])[] = [];
  onResend: (lines: readonly string[]) => Outcome = (lines) => this.receive(lines);

  readonly #heldBytes: number;

  constructor(heldBytes = 10, maxRecords = 1) {
    super((lines) => this.receive(lines), { maxRecords, maxAgeMs: 0 });
    this.#heldBytes = heldBytes;
  }

  receive(lines: readonly string[]): Outcome {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.open.push({ lines, settle: resolve });
    const resend = async (): Promise<Outcome> => {
      this.resent.push(lines);
      return this.onResend(lines);
    };
    return { kind: "received", receipt: { heldBytes: this.#heldBytes, settled: promise, resend } };
  }
}

const cursorOf = (scene: PipelineScene): number | undefined => scene.store.cursors.get("a")?.get(1)?.position.offset;

async function world(content: string, heldBytes?: number, maxRecords?: number) {
  const sink = new ConfirmingSink(heldBytes, maxRecords);
  const scene = await PipelineScene.create({ a: sink });
  await scene.write("x.log", content);
  await scene.start();
  return { scene, sink };
}

describe("what a receiver has taken but not confirmed", () => {
  test("holds up no other batch, and the cursor moves over it when it is confirmed, in the order of the file", async () => {
    const { scene, sink } = await world("1\n2\n3\n");
    await scene.until("all three are taken", () => sink.open.length === 3);
    expect(scene.pipeline.account.deliveredBytes).toBe(0);
    const seen: (number | undefined)[] = [];
    for (const index of [2, 0, 1]) {
      sink.open[index]?.settle(true);
      await flush();
      await flush();
      seen.push(cursorOf(scene));
    }
    expect(seen).toEqual([0, 2, 6]);
    expect(sink.resent).toEqual([]);
    expect(scene.pipeline.account).toMatchObject({ deliveredRecords: 3, pendingBytes: 0, imbalanceBytes: 0 });
  });

  test("is sent again when it is lost, in the same bytes, until it is confirmed", async () => {
    const { scene, sink } = await world("1\n2\n", undefined, 2);
    await scene.until("it is taken", () => sink.open.length === 1);
    const answers: Outcome[] = [
      retry(),
      blocked,
      { kind: "rejected", reason: "400" },
      { kind: "tooLarge", reason: "413" },
    ];
    sink.onResend = (lines) => answers.shift() ?? sink.receive(lines);
    sink.open[0]?.settle(false);
    await scene.until("it is taken again", () => sink.open.length === 2);
    sink.open[1]?.settle(false);
    await scene.until("and again", () => sink.open.length === 3);
    expect(cursorOf(scene)).toBe(0);
    sink.open[2]?.settle(true);
    await scene.until("it is delivered", () => scene.pipeline.account.deliveredRecords === 2);
    expect(sink.resent).toEqual(Array.from({ length: 6 }, () => ["1", "2"]));
    expect(sink.requests).toHaveLength(1);
    expect(sink.refreshes).toBe(3);
    expect(scene.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["sink.failing", "sink.blocked"]));
    expect(scene.pipeline.account).toMatchObject({ deadLetteredRecords: 0, imbalanceBytes: 0 });
  });

  test("keeps its memory, but not the records, and at most the sink's part of all", async () => {
    const { scene, sink } = await world("1\n2\n3\n4\n5\n", 6 * 1_024 ** 2);
    await scene.until("its part of 16 MiB is used up", () => sink.open.length === 3);
    await scene.clock.advance(60_000);
    expect([sink.open.length, scene.budget.heldBytes]).toEqual([3, 18 * 1_024 ** 2]);
    sink.open[0]?.settle(true);
    await scene.until("there is room for another", () => sink.open.length === 4);
    for (const { settle } of sink.open) settle(true);
    await scene.until("the last one is taken", () => sink.open.length === 5);
    sink.open[4]?.settle(true);
    await scene.until("all is delivered", () => scene.pipeline.account.deliveredRecords === 5);
    expect(scene.budget.heldBytes).toBe(0);
  });

  test("is waited for at the end", async () => {
    const { scene, sink } = await world("1\n");
    await scene.until("it is taken", () => sink.open.length === 1);
    let hasDrained = false;
    const draining = scene.drain().then(() => (hasDrained = true));
    await scene.clock.advance(10_000);
    expect(hasDrained).toBe(false);
    sink.open[0]?.settle(true);
    await draining;
    expect(scene.pipeline.account).toMatchObject({ deliveredRecords: 1, pendingBytes: 0 });
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
