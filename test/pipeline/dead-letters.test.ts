import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LossCheckpoint } from "../../src/core/checkpoint.ts";
import { LogRecord } from "../../src/core/record.ts";
import type { Condemned } from "../../src/pipeline/dead-letter.ts";
import { DeadLetters, type DeadLettersOptions } from "../../src/pipeline/dead-letters.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { TestClock } from "../core/test-clock.ts";
import { until } from "../support/poll.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { recordOf } from "./fakes.ts";

function make(options: Partial<DeadLettersOptions> = {}) {
  const directory = options.directory ?? join(scratchDirectory(), "dead-letters", "splunk");
  const clock = new TestClock();
  const letters = new DeadLetters({
    directory,
    sink: "splunk",
    maxBytes: 1_024 ** 2,
    full: "block",
    clock,
    ...options,
  });
  onTestFinished(() => letters.close());
  return { directory, clock, letters };
}

const condemned = (...bodies: readonly string[]): readonly Condemned[] =>
  bodies.map((body, index) => ({ record: recordOf(body, index * 100), generation: 7, reason: "400" }));

async function linesIn(directory: string): Promise<readonly Record<string, unknown>[]> {
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return texts
    .join("")
    .split("\n")
    .slice(0, -1)
    .map((line): Record<string, unknown> => JSON.parse(line));
}

const bodiesIn = async (directory: string): Promise<readonly unknown[]> =>
  (await linesIn(directory)).map(({ record }) => record);

describe("a dead letter", () => {
  test("has the record, what was found in it, where it came from and what the receiver said", async () => {
    const { directory, letters } = make();
    const body = 'line with "quotes", \u2028, \u0000 and \uD800';
    const fields = { timestamp: { epochMs: 5, nanos: 7 }, severity: { number: 17, text: "error" }, message: "line" };
    const record = new LogRecord(body, 42, 60, { source: "app", path: "/logs/app.log" }, () => fields, "first");
    const refusal = { reason: "400: bad\nrequest", status: 400, response: '{"code":6}' };
    expect(await letters.append([{ record, generation: 7, ...refusal }])).toEqual({ kind: "kept" });
    expect(await linesIn(directory)).toEqual([
      {
        time: "2026-01-01T00:00:00.000Z",
        sink: "splunk",
        ...refusal,
        source: "app",
        file: "/logs/app.log",
        generation: 7,
        offset: 42,
        length: 60,
        split: "first",
        record: body,
        fields,
      },
    ]);
  });

  test("that a full disk cut short is gone, and those before it are whole", async (context) => {
    const disk = SmallDisk.mount(scratchDirectory(), 64, context);
    const { directory, letters } = make({ directory: join(disk.directory, "letters") });
    expect(await letters.append(condemned("one"))).toEqual({ kind: "kept" });
    const long = "x".repeat(70_000);
    expect(await letters.append(condemned(long))).toMatchObject({
      kind: "failed",
      reason: expect.stringMatching("ENOSPC"),
    });
    const texts = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name), "utf8")));
    expect(texts.map((text) => text.slice(-1))).toEqual(["\n"]);
    expect(await bodiesIn(directory)).toEqual(["one"]);
    disk.resize(1_024);
    expect(await letters.append(condemned(long))).toEqual({ kind: "kept" });
    expect(await bodiesIn(directory)).toEqual(["one", long]);
  });

  test("is for its owner's eyes only", async () => {
    const { directory, letters } = make();
    await letters.append(condemned("secret"));
    const [name = ""] = await readdir(directory);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    expect((await stat(join(directory, name))).mode & 0o077).toBe(0);
  });
});

describe("the store", () => {
  test("keeps many at once in whole lines, in their order", async () => {
    const { directory, letters } = make();
    const bodies = Array.from({ length: 50 }, (_, index) => `record ${index}`);
    const results = await Promise.all(bodies.map((body) => letters.append(condemned(body))));
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["kept"]));
    expect(await bodiesIn(directory)).toEqual(bodies);
  });

  test("closes a segment that is full: nobody appends to it again", async () => {
    const { directory, letters } = make({ maxBytes: 8_000 });
    for (const body of ["a".repeat(1_000), "b".repeat(100)]) await letters.append(condemned(body));
    expect((await readdir(directory)).sort()).toEqual(["00000001.ndjson", "00000002.ndjson.open"]);
  });

  test("closes its segment when somebody asks, and at its end", async () => {
    const { directory, letters, clock } = make();
    await letters.append(condemned("a"));
    await writeFile(join(directory, "close"), "");
    await until("it is closed", async () => {
      await clock.advance(1_000);
      return (await readdir(directory)).join() === "00000001.ndjson";
    });
    await letters.append(condemned("b"));
    await letters.close();
    expect((await readdir(directory)).sort()).toEqual(["00000001.ndjson", "00000002.ndjson"]);
    expect(await bodiesIn(directory)).toEqual(["a", "b"]);
  });

  test("closes at its start what a dead one left open", async () => {
    const first = make();
    await first.letters.append(condemned("a"));
    const { letters } = make({ directory: first.directory });
    await letters.recover();
    expect(await readdir(first.directory)).toEqual(["00000001.ndjson"]);
  });

  test("is bounded, what an earlier run left included", async () => {
    const { directory, letters } = make({ maxBytes: 1_000 });
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "00000001.ndjson"), "x".repeat(700));
    expect(await letters.append(condemned("a"))).toEqual({ kind: "kept" });
    expect(await letters.append(condemned("b"))).toEqual({ kind: "full" });
    // A replay makes room.
    await rm(join(directory, "00000001.ndjson"));
    expect(await letters.append(condemned("b"))).toEqual({ kind: "kept" });
  });

  test("that can't be written says so and works again when it can", async () => {
    const { directory, letters } = make();
    await mkdir(join(directory, ".."), { recursive: true });
    await writeFile(directory, "in the way");
    expect(await letters.append(condemned("a"))).toMatchObject({ kind: "failed" });
    await rm(directory);
    expect(await letters.append(condemned("a"))).toEqual({ kind: "kept" });
    expect(await bodiesIn(directory)).toEqual(["a"]);
  });

  test("after a failure begins a new segment: no line is glued to a torn one", async () => {
    const { directory, letters } = make();
    await letters.append(condemned("a"));
    const [name = ""] = await readdir(directory);
    await appendFile(join(directory, name), '{"torn');
    const second = make({ directory });
    expect(await second.letters.append(condemned("b"))).toEqual({ kind: "kept" });
    expect((await readdir(directory)).sort()).toEqual(["00000001.ndjson", "00000002.ndjson.open"]);
    expect(await readFile(join(directory, "00000001.ndjson"), "utf8")).toMatch(/\n\{"torn$/);
  });
});

const body = (name: string): string => name.repeat(300);

describe("when they are full and the oldest may go", () => {
  test("whole segments go, each file's bytes are told as lost, and only then are they deleted", async () => {
    const told: LossCheckpoint[] = [];
    let keptWhenTold: readonly string[] = [];
    const { directory, letters } = make({
      maxBytes: 2_000,
      full: "evict",
      evicted: async (losses) => {
        told.push(...losses);
        keptWhenTold = await readdir(directory);
      },
    });
    for (const name of ["a", "b", "c", "d", "e", "f"]) {
      expect(await letters.append(condemned(body(name)))).toEqual({ kind: "kept" });
    }
    const kept = await bodiesIn(directory);
    expect(kept.at(-1)).toBe(body("f"));
    expect(kept.length + told.length).toBe(6);
    expect(told[0]).toMatchObject({ sink: "splunk", file: 7, path: "/logs/app.log", from: 0, to: 301, bytes: 301 });
    expect(keptWhenTold.some((name) => name.endsWith(".evicted"))).toBe(true);
    expect((await readdir(directory)).some((name) => name.endsWith(".evicted"))).toBe(false);
  });

  test("a kill between the two tells them again at the next start; what was replayed is not lost", async () => {
    const first = make();
    await first.letters.append(condemned("one", "two", "three"));
    await first.letters.close();
    const segment = join(first.directory, "00000001.ndjson");
    await writeFile(`${segment}.evicted`, await readFile(segment));
    await rm(segment);
    await writeFile(`${segment}.cursor`, "1\n");
    const told: LossCheckpoint[] = [];
    const { letters } = make({
      directory: first.directory,
      full: "evict",
      evicted: async (losses) => void told.push(...losses),
    });
    await letters.recover();
    expect(told).toMatchObject([{ from: 100, to: 206, bytes: 10 }]);
    expect(await readdir(first.directory)).toEqual([]);
  });
});
