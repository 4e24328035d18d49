import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AgentEvent } from "../../src/core/events.ts";
import { StdinSpool } from "../../src/files/stdin-spool.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { TestClock } from "../core/test-clock.ts";

/** Makes segments of 64 KiB. */
const MAX_BYTES = 262_144;

async function spooling(directory = join(scratchDirectory(), "stdin")) {
  const input = new PassThrough({ highWaterMark: 1 });
  const events: AgentEvent[] = [];
  const clock = new TestClock();
  const emit = (event: AgentEvent): void => void events.push(event);
  const spool = await StdinSpool.open({ input, directory, maxBytes: MAX_BYTES, clock, emit });
  onTestFinished(() => spool.close());
  spool.take();
  const names = (): string[] => readdirSync(directory).sort();
  /** In the order in which they are read: the one without a number is the youngest. */
  const contents = (): string[] =>
    [...names().slice(1), "stdin.log"].map((name) => readFileSync(join(directory, name), "latin1"));
  const write = async (text: string): Promise<void> => {
    input.write(text, "latin1");
    for (let turns = 0; turns < 5; turns += 1) await turn();
  };
  return { directory, input, events, clock, spool, names, contents, write };
}

const line = (length: number): string => `${"x".repeat(length - 1)}\n`;

describe("segments", () => {
  test("hold what came, byte for byte, and end with a line", async () => {
    const { names, contents, write } = await spooling();
    const chunks = [line(10), line(60_000).slice(0, 40_000), line(20_000), line(30_000), "\u00ff\u0000partial"];
    for (const chunk of chunks) await write(chunk);
    expect(contents().join("")).toBe(chunks.join(""));
    expect(names()).toEqual(["stdin.log", "stdin.log.0000000001"]);
    expect(contents()[0]?.endsWith("\n")).toBe(true);
  });

  test("are cut in one chunk that holds the lines of several", async () => {
    const { contents, write } = await spooling();
    await write(line(1_000).repeat(140));
    expect(contents().map(({ length }) => length)).toEqual([66_000, 66_000, 8_000]);
  });

  test("are born one after the other, for that is the order in which they are read", async () => {
    const { directory, names, write } = await spooling();
    await write(line(1_000).repeat(230));
    const births = [...names().slice(1), "stdin.log"].map(
      (name) => statSync(join(directory, name), { bigint: true }).birthtimeNs,
    );
    expect(births).toHaveLength(4);
    expect(new Set(births).size).toBe(births[0] === 0n ? 1 : 4);
    expect(births).toEqual([...births].sort((a, b) => Number(a - b)));
  });

  test("come to their end in a line that has none", async () => {
    const { contents, write } = await spooling();
    await write("x".repeat(200_000));
    expect(contents().map(({ length }) => length)).toEqual([131_072, 68_928]);
  });

  test("are for nobody else to read", async () => {
    const { directory, write } = await spooling();
    await write("secret\n");
    expect([statSync(directory).mode & 0o777, statSync(join(directory, "stdin.log")).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
  });

  test("of an earlier run stay, and its unfinished line is not continued", async () => {
    const first = await spooling();
    await first.write(line(70_000));
    await first.write("unfinished");
    first.spool.close();
    const second = await spooling(first.directory);
    await second.write("new\n");
    expect(second.names()).toEqual(["stdin.log", "stdin.log.0000000001", "stdin.log.0000000002"]);
    expect(second.contents().slice(1)).toEqual(["unfinished", "new\n"]);
    expect(second.spool.bytes).toBe(70_014);
  });

  test("are not made of nothing", async () => {
    const first = await spooling();
    first.spool.close();
    expect((await spooling(first.directory)).names()).toEqual(["stdin.log"]);
  });
});

describe("at the bound", () => {
  test("nothing more is read until a segment is deleted", async () => {
    const { directory, input, events, spool, names, write } = await spooling();
    for (let chunk = 0; chunk < 5; chunk += 1) await write(line(70_000));
    expect([spool.bytes, input.isPaused(), events.map(({ kind }) => kind)]).toEqual([280_000, true, ["stdin.waiting"]]);
    expect(await spool.discard(join(directory, "stdin.log.0000000001"))).toBe(true);
    for (let turns = 0; turns < 5; turns += 1) await turn();
    expect(names()).not.toContain("stdin.log.0000000001");
    expect([spool.bytes, events.map(({ kind }) => kind)]).toEqual([
      280_000,
      ["stdin.waiting", "stdin.resumed", "stdin.waiting"],
    ]);
  });

  test("that an earlier run has left, nothing is read", async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, "stdin.log.0000000007"), "x".repeat(MAX_BYTES));
    const { spool, write, names } = await spooling(directory);
    await write("waits\n");
    expect(spool.bytes).toBe(MAX_BYTES);
    await spool.discard(join(directory, "stdin.log.0000000007"));
    for (let turns = 0; turns < 5; turns += 1) await turn();
    expect([spool.bytes, names()]).toEqual([6, ["stdin.log"]]);
  });
});

async function full() {
  const directory = scratchDirectory();
  symlinkSync("/dev/full", join(directory, "stdin.log"));
  const scene = await spooling(directory);
  await scene.write("one\n");
  return scene;
}

describe("a disk that takes nothing", () => {
  test("has stdin wait, and is tried again each second", async () => {
    const { input, events, clock } = await full();
    expect([input.isPaused(), events.map(({ kind }) => kind)]).toEqual([true, ["stdin.waiting"]]);
    await clock.advance(5_000);
    expect([clock.sleeping, events.length]).toEqual([1, 1]);
  });

  test("until the end loses what was read, and that is told", async () => {
    const { spool, events } = await full();
    spool.close();
    expect(events.at(-1)).toMatchObject({ kind: "stdin.lost", bytes: 4 });
  });
});

test("the end of stdin is known when all of it is in segments, also to one who comes later", async () => {
  const { input, spool, contents } = await spooling();
  input.end("last");
  await new Promise((resolve) => spool.ended.addEventListener("abort", resolve, { once: true }));
  expect(contents()).toEqual(["last"]);
  spool.suspend();
  spool.take();
  expect(spool.ended.aborted).toBe(true);
});

test("what comes while it is suspended waits in the stream", async () => {
  const { spool, write, contents } = await spooling();
  spool.suspend();
  await write("later\n");
  expect(contents()).toEqual([""]);
  spool.take();
  for (let turns = 0; turns < 5; turns += 1) await turn();
  expect(contents()).toEqual(["later\n"]);
});
