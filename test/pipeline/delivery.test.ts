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

function world(
  answer?: Answer,
  limits: Partial<BatchLimits> = {},
  {
    deadLetterBytes = 1_024 ** 2,
    ...options
  }: { deadLetterBytes?: number; giveUpAfterMs?: number; expectsRefusals?: boolean } = {},
) {
  const clock = new TestClock();
  const events: AgentEvent[] = [];
  const sink = new FakeSink(answer, limits);
  const directory = join(scratchDirectory(), "letters");
  const deadLetters = new DeadLetters({ directory, sink: "s", maxBytes: deadLetterBytes, full: "block", clock });
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
    ...options,
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
  const end = { ...START, offset: counters.deliveredBytes };
  return { progress, records, from: START, to: end, range: { end, counters } };
}

const isOpen = (gate: Gate) => (): boolean => gate.state.kind !== "closed";

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
  expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
  expect(sink.requests).toEqual([names(3)]);
  expect(slice.range.counters).toMatchObject({ deliveredRecords: 3, deadLetteredRecords: 0 });
});

test("it is tried again for as long as it takes, with the same body", async () => {
  const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 40 ? retry() : delivered));
  const { batch } = batchOf(sink, names(2));
  expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toEqual([]);
  expect(sink.requests).toHaveLength(40);
  expect(new Set(sink.requests.map((lines) => lines.join())).size).toBe(1);
});

test("a blocked sink keeps the data and reads its secrets anew before each probe", async () => {
  const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 4 ? blocked : delivered));
  const { batch } = batchOf(sink, names(1));
  expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toEqual([]);
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
    expect(await delivering).toBeUndefined();
    expect(slice.range.counters.deadLetteredRecords).toBe(0);
  });

  test("the body is not used again, for whoever got it may still read it", async () => {
    const { sink, delivery, stop } = world();
    const bodies: Buffer[] = [];
    const send: FakeSink["send"] = async (body, signal) => {
      bodies.push(body);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return retry("abandoned");
    };
    Object.assign(sink, { send });
    const delivering = delivery.deliver(batchOf(sink, ["x".repeat(300_000)]).batch, stop.signal);
    await until("it is sent", () => bodies.length === 1);
    stop.abort();
    expect(await delivering).toBeUndefined();
    expect(pool.take(bodies[0]?.length ?? 0).buffer).not.toBe(bodies[0]?.buffer);
  });

  test("before it began, nothing is sent", async () => {
    const { sink, delivery, stop } = world();
    stop.abort();
    expect(await delivery.deliver(batchOf(sink, names(1)).batch, stop.signal)).toBeUndefined();
    expect(sink.requests).toEqual([]);
  });
});

test("a receiver that has gone for good ends it", async () => {
  const { sink, delivery, stop } = world(() => ({ kind: "ended", reason: "EPIPE" }));
  expect(await delivery.deliver(batchOf(sink, names(1)).batch, stop.signal)).toBeUndefined();
});

/** A line that carries so many bytes before the deadline. */
const slow: Answer = (lines) => (lines.join("").length > 200 ? { ...retry(), cutShort: true } : delivered);
const tenBytesEach = (count: number): readonly string[] => names(count).map((name) => name.padEnd(10, "x"));

describe("on a line that is too slow for a whole request", () => {
  test("a request is halved when the deadline has cut it short twice, and all is delivered once, in order", async () => {
    const { clock, sink, delivery, stop, events } = world(slow);
    const { batch } = batchOf(sink, tenBytesEach(80));
    expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toEqual([]);
    expect(sink.taken).toEqual(tenBytesEach(80));
    const tried = sink.requests.map((lines) => lines.length);
    expect(tried.slice(0, 6)).toEqual([80, 80, 40, 40, 20, 20]);
    const told = events.map((event) => (event.kind === "sink.slowLine" ? event.maxBytes : event.kind));
    expect(told).toHaveLength(2);
    expect(told[0]).toBeGreaterThan(Number(told[1]));
  });

  test("the next ones are small from the beginning, and grow once the line is faster", async () => {
    const { clock, sink, delivery, stop } = world(slow);
    await stepping(clock, delivery.deliver(batchOf(sink, tenBytesEach(80)).batch, stop.signal));
    sink.requests.length = 0;
    sink.answer = () => delivered;
    await delivery.deliver(batchOf(sink, tenBytesEach(80)).batch, stop.signal);
    expect(Math.max(...sink.requests.map((lines) => lines.length))).toBeLessThanOrEqual(40);
    for (let i = 0; i < 40; i += 1) await delivery.deliver(batchOf(sink, tenBytesEach(80)).batch, stop.signal);
    expect(sink.requests.at(-1)).toHaveLength(80);
  });

  test("a single record is tried for as long as it takes", async () => {
    const cut = { ...retry(), cutShort: true };
    const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 30 ? cut : delivered));
    expect(await stepping(clock, delivery.deliver(batchOf(sink, names(1)).batch, stop.signal))).toEqual([]);
    expect(sink.requests).toHaveLength(30);
  });

  test("one deadline that was missed makes nothing smaller", async () => {
    const cut = { ...retry(), cutShort: true };
    const { clock, sink, delivery, stop, events } = world((_lines, attempt) => {
      if (attempt % 2 === 1) return cut;
      return attempt < 8 ? retry() : delivered;
    });
    await stepping(clock, delivery.deliver(batchOf(sink, names(20)).batch, stop.signal));
    expect(new Set(sink.requests.map((lines) => lines.length))).toEqual(new Set([20]));
    expect(events).toEqual([]);
  });
});

describe("what is too large", () => {
  test("is halved until it fits, and each record is delivered once", async () => {
    const { sink, delivery, stop } = world((lines) =>
      lines.length > 30 ? { kind: "tooLarge", reason: "413" } : delivered,
    );
    const { batch } = batchOf(sink, names(100));
    expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
    expect(sink.taken).toEqual(names(100));
  });

  test("by the sink's own limits is never sent", async () => {
    for (const limits of [{ maxRecords: 10 }, { maxBytes: 60 }]) {
      const { sink, delivery, stop } = world(undefined, limits);
      const { batch } = batchOf(sink, names(100));
      expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
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
    expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
    expect([sink.taken, await letters()]).toEqual([["r0", "r2"], ["r1"]]);
    expect(slice.range.counters).toMatchObject({ deliveredRecords: 2, deadLetteredRecords: 1, deadLetteredBytes: 3 });
    expect(events).toEqual([{ kind: "sink.deadLettered", sink: "s", records: 1, reason: "413" }]);
  });

  test("again and again does not become a storm of requests", async () => {
    // The receiver gives up in the end, or a storm would never end here.
    const { clock, sink, gate, delivery, stop } = world((_lines, attempt) =>
      attempt > 4_000 ? { kind: "ended", reason: "too many" } : { kind: "tooLarge", reason: "413" },
    );
    const delivering = delivery.deliver(batchOf(sink, names(700)).batch, stop.signal);
    await until("each was refused alone", () => gate.state.kind !== "closed" || sink.requests.length >= 1_399);
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
    expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
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
    expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
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
      expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
      expect([...new Set(sink.taken)].sort()).toEqual(["r0", "r2"]);
      expect(await letters()).toEqual(["r1"]);
    },
  );

  test("as a record that was split counts once", async () => {
    const { sink, delivery, stop, letters, events } = world(() => ({ kind: "rejected", reason: "400" }), {
      maxRecordBytes: 20_000,
    });
    const { batch, slice } = batchOf(sink, ["x".repeat(70_000)]);
    expect(batch.records.length).toBeGreaterThan(2);
    expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
    expect((await letters()).join("")).toBe("x".repeat(70_000));
    expect(events).toMatchObject([{ kind: "sink.deadLettered", records: 1 }]);
    expect(slice.range.counters).toEqual({ ...noCounters(), deadLetteredRecords: 1, deadLetteredBytes: 70_001 });
  });

  test("waits while the dead letters are full, and says so once", async () => {
    const { clock, sink, delivery, stop, events } = world(
      () => ({ kind: "rejected", reason: "400" }),
      {},
      { deadLetterBytes: 10 },
    );
    const { batch, slice } = batchOf(sink, names(1));
    const delivering = delivery.deliver(batch, stop.signal);
    await until("it is stuck", () => events.length > 0);
    for (let i = 0; i < 5; i += 1) await clock.advance(10_000);
    expect(events).toMatchObject([{ kind: "sink.deadLettersStuck", sink: "s" }]);
    stop.abort();
    expect(await delivering).toBeUndefined();
    expect(slice.range.counters.deadLetteredRecords).toBe(0);
  });
});

describe("when nearly everything is rejected", () => {
  test.each<[string, { readonly firstBad?: number }]>([
    ["all at once", {}],
    ["one after the other", { firstBad: 0 }],
  ])("%s, the sink is blocked, and the log is not turned into dead letters", async (_name, more) => {
    const { clock, sink, gate, delivery, stop, letters } = world(() => ({
      kind: "rejected",
      reason: "400",
      ...more,
    }));
    const delivering = delivery.deliver(batchOf(sink, names(1_000)).batch, stop.signal);
    await until("it is blocked", () => gate.state.kind !== "closed");
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
    expect(await delivering).toBeUndefined();
  });

  test("it goes on where it stopped once the setting is mended, and no record is lost", async () => {
    let mended = false;
    const { clock, sink, gate, delivery, stop, letters } = world(() =>
      mended ? delivered : { kind: "rejected", reason: "400" },
    );
    const delivering = delivery.deliver(batchOf(sink, names(1_000)).batch, stop.signal);
    await until("it is blocked", () => gate.state.kind !== "closed");
    mended = true;
    expect(await stepping(clock, delivering)).toEqual([]);
    expect([...(await letters()), ...sink.taken].sort()).toEqual([...names(1_000)].sort());
  });
});

const rejectsBad: Answer = (lines) => {
  const firstBad = lines.findIndex((line) => line.startsWith("bad"));
  return firstBad === -1 ? delivered : { kind: "rejected", reason: "code 6", firstBad };
};

describe("when much is rejected, but not most", () => {
  test("what stands before a bad record counts as taken, and the sink is not blocked", async () => {
    const { sink, gate, delivery, stop, letters } = world(rejectsBad);
    const bodies = Array.from({ length: 3_000 }, (_, index) => (index % 3 === 2 ? `bad${index}` : `r${index}`));
    for (let at = 0; at < bodies.length; at += 1_000) {
      const { batch } = batchOf(sink, bodies.slice(at, at + 1_000));
      expect(await Promise.race([delivery.deliver(batch, stop.signal), until("it is blocked", isOpen(gate))])).toEqual(
        [],
      );
    }
    expect((await letters()).length).toBe(1_000);
    expect(sink.taken).toEqual(bodies.filter((body) => body.startsWith("r")));
  });

  test("a batch is narrowed though the sink is blocked, for its good records may prove the setting right", async () => {
    const { clock, sink, gate, delivery, stop } = world((lines) =>
      lines.some((line) => line.startsWith("bad")) ? { kind: "rejected", reason: "400" } : delivered,
    );
    const bad = Array.from({ length: 600 }, (_, index) => `bad${index}`);
    const delivering = delivery.deliver(batchOf(sink, bad).batch, stop.signal);
    await until("it is blocked", isOpen(gate));
    const other = delivery.deliver(batchOf(sink, ["one", "two", "bad"]).batch, stop.signal);
    for (let i = 0; i < 20; i += 1) await clock.advance(30_000);
    expect(sink.taken).toEqual(["one", "two"]);
    stop.abort();
    await Promise.all([delivering, other]);
  });

  test("a sink that may well refuse most is never blocked", async () => {
    const { sink, gate, delivery, stop, letters } = world(rejectsBad, {}, { expectsRefusals: true });
    const bad = Array.from({ length: 700 }, (_, index) => `bad${index}`);
    const delivering = delivery.deliver(batchOf(sink, bad).batch, stop.signal);
    expect(await Promise.race([delivering, until("it is blocked", isOpen(gate))])).toEqual([]);
    expect((await letters()).length).toBe(700);
  });
});

test("the dead letters of a batch are made durable together, and told together", async () => {
  const { sink, delivery, stop, letters, events, clock } = world((lines) =>
    lines.some((line) => line.startsWith("bad")) ? { kind: "rejected", reason: "400" } : delivered,
  );
  const bodies = Array.from({ length: 600 }, (_, index) => (index % 3 === 0 ? `bad${index}` : `r${index}`));
  const { batch, slice } = batchOf(sink, bodies);
  expect(await delivery.deliver(batch, stop.signal)).toEqual([]);
  expect(await letters()).toEqual(bodies.filter((body) => body.startsWith("bad")));
  expect(events).toEqual([{ kind: "sink.deadLettered", sink: "s", records: 200, reason: "400" }]);
  expect(slice.range.counters).toMatchObject({ deliveredRecords: 400, deadLetteredRecords: 200 });
  // What follows soon is summed up.
  for (let i = 0; i < 3; i += 1) await delivery.deliver(batchOf(sink, ["bad"]).batch, stop.signal);
  expect(events).toHaveLength(1);
  await clock.advance(10_000);
  expect(events.slice(1)).toEqual([{ kind: "sink.deadLettered", sink: "s", records: 3, reason: "400" }]);
});

const failsOn =
  (bad: string): Answer =>
  (lines) =>
    lines.includes(bad) ? retry("500") : delivered;

/** Another batch of the same sink. */
const others = (w: ReturnType<typeof world>): void =>
  void w.delivery.deliver(batchOf(w.sink, ["other"]).batch, w.stop.signal);

describe("what fails again and again while others succeed", () => {
  test("is halved until only the guilty record is left, which is tried on and told", async () => {
    const w = world(failsOn("r7"));
    const good = names(16).filter((line) => line !== "r7");
    void w.delivery.deliver(batchOf(w.sink, names(16)).batch, w.stop.signal);
    await until(
      "it is told",
      async () => {
        await w.clock.advance(1_000);
        others(w);
        return w.events.length > 0;
      },
      { everyMs: 1 },
    );
    expect(w.sink.taken.filter((line) => line !== "other").sort()).toEqual(good.sort());
    expect(w.events).toEqual([
      { kind: "sink.recordStuck", sink: "s", path: "/logs/app.log", offset: 70, failures: 10, reason: "500" },
    ]);
    expect(await w.letters()).toEqual([]);
  });

  test("is not halved while nothing else succeeds either: an outage says nothing about the records", async () => {
    const { clock, sink, delivery, stop } = world(() => retry("503"));
    const delivering = delivery.deliver(batchOf(sink, names(16)).batch, stop.signal);
    for (let i = 0; i < 60; i += 1) await clock.advance(30_000);
    expect(sink.requests.length).toBeGreaterThan(20);
    expect(new Set(sink.requests.map((lines) => lines.length))).toEqual(new Set([16]));
    stop.abort();
    expect(await delivering).toBeUndefined();
  });

  test("lends its place to another batch, so that there is something to compare it with", async () => {
    const { clock, sink, gate, delivery, stop } = world(failsOn("r0"));
    expect(await gate.acquire(stop.signal)).toBe(true);
    const delivering = delivery.deliver(batchOf(sink, names(2)).batch, stop.signal);
    let admitted = false;
    const other = gate.acquire(stop.signal).then((value) => (admitted = value));
    await clock.advance(1_000);
    expect(admitted).toBe(false);
    for (let i = 0; i < 50; i += 1) await clock.advance(1_000);
    expect(admitted).toBe(true);
    expect(gate.standAside()).toBe(false);
    stop.abort();
    await Promise.all([delivering, other]);
    // It has come back.
    expect(gate.standAside()).toBe(true);
  });
});

describe("retry.giveUpAfter", () => {
  test("begins anew once what was blocked is mended", async () => {
    let isMended = false;
    const answer: Answer = () => (isMended ? retry("503") : blocked);
    const { clock, sink, delivery, stop, letters } = world(answer, {}, { giveUpAfterMs: 60_000 });
    const delivering = delivery.deliver(batchOf(sink, names(3)).batch, stop.signal);
    for (let i = 0; i < 10; i += 1) await clock.advance(60_000);
    isMended = true;
    const before = sink.requests.length;
    for (let i = 0; i < 5; i += 1) await clock.advance(11_000);
    expect(sink.requests.length).toBeGreaterThan(before + 1);
    expect(await letters()).toEqual([]);
    expect(await stepping(clock, delivering)).toEqual([]);
    expect(await letters()).toEqual(names(3));
  });

  test("sends what has failed for that long to the dead letters, and nothing before", async () => {
    const { clock, sink, delivery, stop, letters, events } = world(() => retry("503"), {}, { giveUpAfterMs: 60_000 });
    const { batch, slice } = batchOf(sink, names(3));
    const delivering = delivery.deliver(batch, stop.signal);
    await clock.advance(59_000);
    expect([await letters(), events]).toEqual([[], []]);
    expect(await stepping(clock, delivering)).toEqual([]);
    expect(await letters()).toEqual(names(3));
    expect(slice.range.counters).toMatchObject({ deliveredBytes: 0, deadLetteredBytes: 9, deadLetteredRecords: 3 });
    expect(events).toEqual([{ kind: "sink.deadLettered", sink: "s", records: 3, reason: "gave up after 60 s: 503" }]);
  });

  test("never counts refused credentials: they are held", async () => {
    const { clock, sink, delivery, stop, letters } = world(() => blocked, {}, { giveUpAfterMs: 1_000 });
    const delivering = delivery.deliver(batchOf(sink, names(3)).batch, stop.signal);
    for (let i = 0; i < 20; i += 1) await clock.advance(60_000);
    expect(await letters()).toEqual([]);
    stop.abort();
    expect(await delivering).toBeUndefined();
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

describe("a sink whose receiver does not take every time", () => {
  test("has its late records counted once they are taken, a split one once", async () => {
    const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 3 ? retry() : delivered), {
      maxRecordBytes: 400,
    });
    Object.assign(sink, { isLate: ({ body }: LogRecord) => body.startsWith("late") });
    const { batch, slice } = batchOf(sink, ["late 1", "in time", "late 2", `late ${"x".repeat(500)}`]);
    expect(batch.records.length).toBeGreaterThan(4);
    expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toEqual([]);
    expect(slice.range.counters).toMatchObject({ deliveredRecords: 4, lateRecords: 3 });
  });

  test("gets a body that is encoded anew when the one before has become too old", async () => {
    const { clock, sink, delivery, stop } = world((_lines, attempt) => (attempt < 8 ? retry() : delivered));
    let encodings = 0;
    const encode = sink.encode.bind(sink);
    Object.assign(sink, {
      bodyLastsMs: 600,
      encode: (...parameters: Parameters<typeof encode>) => {
        encodings += 1;
        encode(...parameters);
      },
    });
    const { batch, slice } = batchOf(sink, names(3));
    expect(await stepping(clock, delivery.deliver(batch, stop.signal))).toEqual([]);
    expect(sink.requests).toEqual(Array.from({ length: 8 }, () => names(3)));
    expect(encodings).toBeGreaterThan(1);
    expect(encodings).toBeLessThan(8);
    expect(slice.range.counters.deliveredRecords).toBe(3);
  });
});
