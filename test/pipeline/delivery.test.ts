import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AgentEvent } from "../../src/core/events.ts";
import type { BatchLimits } from "../../src/core/sink.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { Batch } from "../../src/pipeline/batch.ts";
import { noCounters } from "../../src/pipeline/counters.ts";
import { DeadLetters } from "../../src/pipeline/dead-letters.ts";
import { Delivery } from "../../src/pipeline/delivery.ts";
import { Gate } from "../../src/pipeline/gate.ts";
import { FileProgress, type Slice } from "../../src/pipeline/progress.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { flush, TestClock } from "../core/test-clock.ts";
import { until } from "../support/poll.ts";
import { type Answer, blocked, delivered, encoder, FakeFile, FakeSink, pool, recordOf, retry } from "./fakes.ts";

const START = { offset: 0, crc: 0, tail: 0 };

function world(answer?: Answer, limits: Partial<BatchLimits> = {}, deadLetterBytes = 1_024 ** 2) {
  const clock = new TestClock();
  const events: AgentEvent[] = [];
  const sink = new FakeSink(answer, limits);
  const directory = join(scratchDirectory(), "letters");
  const deadLetters = new DeadLetters({ directory, sink: "s", maxBytes: deadLetterBytes, clock });
  const gate = new Gate({
    concurrency: { min: 1, max: 4 },
    clock,
    random: () => 0.5,
    onFailing: () => {},
    onRecovered: () => {},
  });
  const delivery = new Delivery({
    name: "s",
    sink,
    gate,
    deadLetters,
    pool,
    encoder,
    clock,
    emit: (event) => events.push(event),
  });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const letters = async (): Promise<readonly string[]> => {
    const names = (await readdir(directory).catch((): string[] => [])).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
    return texts
      .join("")
      .split("\n")
      .slice(0, -1)
      .map((line): string => JSON.parse(line).record);
  };
  return { clock, events, sink, gate, delivery, stop, letters };
}

function sliceOf(records: readonly LogRecord[]): Slice {
  const counters = noCounters();
  counters.deliveredBytes = records.reduce((sum, { length }) => sum + length, 0);
  counters.deliveredRecords = records.length;
  const progress = FileProgress.beginning(new FakeFile(1, counters.deliveredBytes), START);
  return { progress, records, range: { end: { ...START, offset: counters.deliveredBytes }, counters } };
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `r${index}`);

function batchOf(sink: FakeSink, bodies: readonly string[]): { batch: Batch; slice: Slice } {
  const batch = new Batch(sink.limits, 5_000_000, 0, (record) => encoder.measure(sink, record));
  const slice = sliceOf(bodies.map((body, index) => recordOf(body, index * 10)));
  batch.add(slice);
  return { batch, slice };
}

/** Steps the clock until the promise has come to its end. */
async function stepping<T>(clock: TestClock, promise: Promise<T>): Promise<T> {
  const done = promise.finally(() => (ended = true));
  let ended = false;
  await until(
    "it comes to its end",
    async () => {
      if (!ended) await clock.advance(10_000);
      return ended;
    },
    { everyMs: 1 },
  );
  return done;
}

test("a batch is sent once and delivered", async () => {
  const { sink, delivery, stop } = world();
  const { batch, slice } = batchOf(sink, names(3));
  expect(await delivery.deliver(batch, stop.signal)).toBe(true);
  expect(sink.requests).toEqual([names(3)]);
  expect(slice.range.counters).toMatchObject({ deliveredRecords: 3, deadLetteredRecords: 0 });
});

test("it is tried again for as long as it takes, with the same body", async () => {
  const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 40 ? retry() : delivered));
  const { batch } = batchOf(sink, names(2));
  expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toBe(true);
  expect(sink.requests).toHaveLength(40);
  expect(new Set(sink.requests.map((lines) => lines.join())).size).toBe(1);
});

test("a blocked sink keeps the data and reads its secrets anew before each probe", async () => {
  const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 4 ? blocked : delivered));
  const { batch } = batchOf(sink, names(1));
  expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toBe(true);
  expect([sink.requests.length, sink.refreshes]).toEqual([4, 3]);
});

test("an exception of a sink is a bug and comes out, instead of being tried again for ever", async () => {
  const { sink, delivery, stop } = world((_lines, attempt) => {
    if (attempt === 1) throw new Error("a bug in the sink");
    return delivered;
  });
  await expect(delivery.deliver(batchOf(sink, names(1)).batch, stop.signal)).rejects.toThrow("a bug in the sink");
  expect(sink.requests).toHaveLength(1);
});

describe("when it is stopped", () => {
  test.each<[string, Answer]>([
    ["in a back-off", () => retry()],
    ["while it is blocked", () => blocked],
    [
      "in an attempt",
      (_lines, _attempt, signal) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(delivered))),
    ],
  ])("%s, it says that it was not finished", async (_, answer) => {
    const { sink, delivery, stop } = world(answer);
    const { batch, slice } = batchOf(sink, names(2));
    const delivering = delivery.deliver(batch, stop.signal);
    await flush();
    stop.abort();
    expect(await delivering).toBe(false);
    expect(slice.range.counters.deadLetteredRecords).toBe(0);
  });

  test("before it began, nothing is sent", async () => {
    const { sink, delivery, stop } = world();
    stop.abort();
    expect(await delivery.deliver(batchOf(sink, names(1)).batch, stop.signal)).toBe(false);
    expect(sink.requests).toEqual([]);
  });
});

test("a receiver that has gone for good ends it", async () => {
  const { sink, delivery, stop } = world(() => ({ kind: "ended", reason: "EPIPE" }));
  expect(await delivery.deliver(batchOf(sink, names(1)).batch, stop.signal)).toBe(false);
});

describe("what is too large", () => {
  test("is halved until it fits, and each record is delivered once", async () => {
    const { sink, delivery, stop } = world((lines) =>
      lines.length > 30 ? { kind: "tooLarge", reason: "413" } : delivered,
    );
    const { batch } = batchOf(sink, names(100));
    expect(await delivery.deliver(batch, stop.signal)).toBe(true);
    expect(sink.taken).toEqual(names(100));
  });

  test("by the sink's own limits is never sent", async () => {
    for (const limits of [{ maxRecords: 10 }, { maxBytes: 60 }]) {
      const { sink, delivery, stop } = world(undefined, limits);
      const { batch } = batchOf(sink, names(100));
      expect(await delivery.deliver(batch, stop.signal)).toBe(true);
      expect(sink.taken).toEqual(names(100));
      for (const lines of sink.requests) {
        expect(lines.length).toBeLessThanOrEqual(limits.maxRecords ?? 1_000);
        expect(JSON.stringify(lines).length - 2).toBeLessThanOrEqual(limits.maxBytes ?? 1_000_000);
      }
    }
  });

  test("as a single record becomes a dead letter", async () => {
    const { sink, delivery, stop, letters, events } = world((lines) =>
      lines.includes("r1") ? { kind: "tooLarge", reason: "413" } : delivered,
    );
    const { batch, slice } = batchOf(sink, names(3));
    expect(await delivery.deliver(batch, stop.signal)).toBe(true);
    expect([sink.taken, await letters()]).toEqual([["r0", "r2"], ["r1"]]);
    expect(slice.range.counters).toMatchObject({ deliveredRecords: 2, deadLetteredRecords: 1, deadLetteredBytes: 3 });
    expect(events).toEqual([{ kind: "sink.deadLettered", sink: "s", records: 1, reason: "413" }]);
  });

  test("again and again does not become a storm of requests", async () => {
    // The receiver gives up in the end, or a storm would never end here.
    const { clock, sink, delivery, stop, letters } = world((_lines, attempt) =>
      attempt > 4_000 ? { kind: "ended", reason: "too many" } : { kind: "tooLarge", reason: "413" },
    );
    const delivering = delivery.deliver(batchOf(sink, names(700)).batch, stop.signal);
    await until("more than half of a thousand were refused", async () => (await letters()).length >= 500);
    await clock.advance(1_000);
    for (let i = 0; i < 50; i += 1) await flush();
    expect(sink.requests.length).toBeLessThan(2_000);
    stop.abort();
    await delivering;
  });
});

describe("what is rejected", () => {
  const BAD = new Set(["r7", "r500", "r999"]);

  test("is narrowed by bisection: of 1,000 records with 3 bad ones 997 are delivered once", async () => {
    const { sink, delivery, stop, letters } = world((lines) =>
      lines.some((line) => BAD.has(line)) ? { kind: "rejected", reason: "400" } : delivered,
    );
    const { batch, slice } = batchOf(sink, names(1_000));
    expect(await delivery.deliver(batch, stop.signal)).toBe(true);
    expect(sink.taken).toEqual(names(1_000).filter((name) => !BAD.has(name)));
    expect(await letters()).toEqual([...BAD]);
    expect(sink.requests.length).toBeLessThan(80);
    const bytes = names(1_000).reduce((sum, name) => sum + name.length + 1, 0);
    expect(slice.range.counters).toEqual({
      ...noCounters(),
      deliveredRecords: 997,
      deliveredBytes: bytes - 13,
      deadLetteredRecords: 3,
      deadLetteredBytes: 13,
    });
  });

  test("with the number of the first bad one: what stands before it is not sent again", async () => {
    const { sink, delivery, stop, letters } = world((lines) => {
      const firstBad = lines.findIndex((line) => BAD.has(line));
      return firstBad === -1 ? delivered : { kind: "rejected", reason: "code 6", firstBad };
    });
    const { batch } = batchOf(sink, names(1_000));
    expect(await delivery.deliver(batch, stop.signal)).toBe(true);
    expect(sink.taken).toEqual(names(1_000).filter((name) => !BAD.has(name)));
    expect(await letters()).toEqual([...BAD]);
    expect(sink.requests).toHaveLength(3);
  });

  test.each([-1, 5, 5_000, 0.5, Number.NaN])(
    "with the number %d, which is none of this batch, by bisection",
    async (firstBad) => {
      const { sink, delivery, stop, letters } = world((lines) =>
        lines.includes("r1")
          ? { kind: "rejected", reason: "code 6", firstBad: lines.length === 3 ? firstBad : 0 }
          : delivered,
      );
      const { batch } = batchOf(sink, names(3));
      expect(await delivery.deliver(batch, stop.signal)).toBe(true);
      expect([...new Set(sink.taken)].sort()).toEqual(["r0", "r2"]);
      expect(await letters()).toEqual(["r1"]);
    },
  );

  test("as a record that was split counts once", async () => {
    const { sink, delivery, stop, letters } = world(() => ({ kind: "rejected", reason: "400" }), {
      maxRecordBytes: 20_000,
    });
    const { batch, slice } = batchOf(sink, ["x".repeat(70_000)]);
    expect(batch.records.length).toBeGreaterThan(2);
    expect(await delivery.deliver(batch, stop.signal)).toBe(true);
    expect((await letters()).join("")).toBe("x".repeat(70_000));
    expect(slice.range.counters).toEqual({ ...noCounters(), deadLetteredRecords: 1, deadLetteredBytes: 70_001 });
  });

  test("waits while the dead letters are full, and says so once", async () => {
    const { clock, sink, delivery, stop, events } = world(() => ({ kind: "rejected", reason: "400" }), {}, 10);
    const { batch, slice } = batchOf(sink, names(1));
    const delivering = delivery.deliver(batch, stop.signal);
    await until("it is stuck", () => events.length > 0);
    for (let i = 0; i < 5; i += 1) await clock.advance(10_000);
    expect(events).toMatchObject([{ kind: "sink.deadLettersStuck", sink: "s" }]);
    stop.abort();
    expect(await delivering).toBe(false);
    expect(slice.range.counters.deadLetteredRecords).toBe(0);
  });
});

describe("when nearly everything is rejected", () => {
  test("the sink is blocked, and the log is not turned into dead letters", async () => {
    const { clock, sink, gate, delivery, stop, letters } = world(() => ({ kind: "rejected", reason: "400" }));
    const delivering = delivery.deliver(batchOf(sink, names(1_000)).batch, stop.signal);
    await until("it is blocked", () => gate.state.kind === "failing");
    expect(gate.state).toMatchObject({
      failure: { kind: "blocked", reason: expect.stringContaining("massRejection") },
    });
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.advance(60_000);
      await flush();
    }
    const requests = sink.requests.length;
    await clock.advance(60_000);
    expect((await letters()).length).toBeLessThanOrEqual(501);
    expect(sink.requests.length - requests).toBeLessThan(10);
    stop.abort();
    expect(await delivering).toBe(false);
  });

  test("it goes on where it stopped once the setting is mended, and no record is lost", async () => {
    let mended = false;
    const { clock, sink, gate, delivery, stop, letters } = world(() =>
      mended ? delivered : { kind: "rejected", reason: "400" },
    );
    const delivering = delivery.deliver(batchOf(sink, names(1_000)).batch, stop.signal);
    await until("it is blocked", () => gate.state.kind === "failing");
    mended = true;
    expect(await stepping(clock, delivering)).toBe(true);
    expect([...(await letters()), ...sink.taken].sort()).toEqual([...names(1_000)].sort());
  });
});

test("the size of batches follows what encoding makes of the log", async () => {
  const { sink, delivery, stop } = world();
  const before = delivery.bytesPerRequest;
  const line = '"'.repeat(1_000);
  for (let i = 0; i < 50; i += 1) await delivery.deliver(batchOf(sink, [line, line]).batch, stop.signal);
  expect(delivery.bytesPerRequest).toBeLessThan(before);
  expect(delivery.bytesPerRequest * 2).toBeLessThanOrEqual(sink.limits.maxBytes);
});
