import { describe, expect, test } from "vitest";
import { FakeSink } from "./fakes.ts";
import { PipelineScene } from "./scene.ts";

const TRACE = "java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n";
const WHOLE = TRACE.trimEnd();
const MORE = "\tat a.B.main(B.java:3)\n";

async function open(
  content: string,
  earlier?: PipelineScene,
  flushAfter = 1_000,
): Promise<{ scene: PipelineScene; sink: FakeSink }> {
  const sink = new FakeSink(undefined, { maxAgeMs: 100 });
  const scene = await PipelineScene.create({ a: sink }, earlier, undefined, { multiline: "auto", flushAfter });
  if (earlier === undefined) await scene.write("x.log", content);
  await scene.start();
  return { scene, sink };
}

/** What another agent ships that goes on after the file grew by a text. */
async function next(earlier: PipelineScene, more: string): Promise<readonly string[]> {
  await earlier.append("x.log", more);
  const { scene, sink } = await open("", earlier);
  await scene.clock.advance(3_000);
  await scene.drain();
  expect(scene.pipeline.account).toMatchObject({ pendingBytes: 0, imbalanceBytes: 0 });
  await scene.end();
  return sink.taken;
}

describe("a trace at the end of its file", () => {
  test("waits for its rest, and is whole when the file has not grown for a while", async () => {
    const { scene, sink } = await open(TRACE);
    await scene.clock.advance(900);
    await scene.append("x.log", MORE);
    await scene.registry.lookFully();
    await scene.clock.advance(900);
    expect(sink.taken).toEqual([]);
    await scene.until("it is whole", () => sink.taken.length > 0);
    expect(sink.taken).toEqual([`${WHOLE}\n${MORE.trimEnd()}`]);
  });

  test("is not taken to be whole when the file has grown since it was looked at", async () => {
    const { scene, sink } = await open(TRACE);
    await scene.clock.advance(900);
    await scene.append("x.log", MORE);
    await scene.clock.advance(5_000);
    expect(sink.taken).toEqual([]);
    await scene.registry.lookFully();
    await scene.until("it is whole", () => sink.taken.length > 0);
    expect(sink.taken).toEqual([`${WHOLE}\n${MORE.trimEnd()}`]);
  });

  test("does not hold back the lines before it, nor does a line that is no header wait", async () => {
    const { scene, sink } = await open(`one\n${TRACE}`);
    await scene.until("the line is there", () => sink.taken.length === 1);
    expect(sink.taken).toEqual(["one"]);
  });

  test("is whole at once when the next record begins", async () => {
    const { scene, sink } = await open(`${TRACE}two\n`);
    await scene.drain();
    expect(sink.taken).toEqual([WHOLE, "two"]);
  });

  test("of a rotated file that can grow no more is whole at once", async () => {
    const { scene, sink } = await open(TRACE);
    await scene.rename("x.log", "x.log.1");
    await scene.registry.lookFully();
    await scene.clock.advance(1_500);
    await scene.until("it is whole", () => sink.taken.length > 0);
    expect(sink.taken).toEqual([WHOLE]);
  });
});

/** The time that is stepped while the agent stops, as long as reading takes, must not be what ends the trace. */
async function stopped(content: string): Promise<PipelineScene> {
  const { scene } = await open(content, undefined, 3_600_000);
  await scene.drain();
  expect(scene.pipeline.account).toMatchObject({ pendingBytes: 0, imbalanceBytes: 0 });
  await scene.end();
  return scene;
}

describe("a trace that is open when the agent stops", () => {
  test("is sent, and not again while it stays what it was", async () => {
    expect(await next(await stopped(TRACE), "")).toEqual([]);
  });

  test("is not sent again when the next record begins", async () => {
    expect(await next(await stopped(TRACE), "two\n")).toEqual(["two"]);
  });

  test("is sent whole when it goes on", async () => {
    expect(await next(await stopped(TRACE), `${MORE}two\n`)).toEqual([`${WHOLE}\n${MORE.trimEnd()}`, "two"]);
  });

  test("with the beginning of a line behind it: neither is sent twice", async () => {
    const scene = await stopped(`${TRACE}tw`);
    expect(await next(scene, "")).toEqual([]);
    expect(await next(scene, "o\n")).toEqual(["two"]);
  });

  test("is moved over when all there is was to be read", async () => {
    const { scene, sink } = await open(`${TRACE}tw`);
    await scene.drain("moveOver");
    expect(sink.taken).toEqual([WHOLE, "tw"]);
    await scene.end();
    expect(await next(scene, "o\n")).toEqual(["o"]);
  });
});
