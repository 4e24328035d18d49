import { describe, expect, onTestFinished, test } from "vitest";
import type { Outcome } from "../../../src/core/outcome.ts";
import type { Sink } from "../../../src/core/sink.ts";
import { ackEndpointOf } from "../../../src/sinks/splunk-hec/acknowledged.ts";
import { splunkHec } from "../../../src/sinks/splunk-hec/sink.ts";
import { TestClock } from "../../core/test-clock.ts";
import { until } from "../../support/poll.ts";
import { SplunkIntake, type SplunkIntakeOptions } from "../../support/splunk-intake.ts";
import { bodyOf, createSink, never, record } from "../support.ts";

const TOKEN = "11111111-2222-3333-4444-555555555555";

/** What was taken and is not confirmed yet. */
type Received = Outcome & { kind: "received" };

interface World {
  readonly intake: SplunkIntake;
  readonly sink: Sink;
  readonly clock: TestClock;
  readonly send: (...lines: string[]) => Promise<Outcome>;
  readonly receive: (...lines: string[]) => Promise<Received>;
  /** Steps the time until the promise has its value. */
  readonly settled: (received: Received) => Promise<boolean>;
}

async function world(options: SplunkIntakeOptions = {}, settings: Record<string, unknown> = {}): Promise<World> {
  const intake = await new SplunkIntake({ acknowledges: true, ...options }).listen();
  const clock = new TestClock();
  const { endpoint } = intake;
  const sink = createSink(splunkHec, { token: TOKEN, endpoint, acknowledge: true, ...settings }, { clock });
  onTestFinished(async () => {
    await sink.close();
    await intake.close();
  });
  const send = (...lines: string[]): Promise<Outcome> =>
    sink.send(
      bodyOf(
        sink,
        lines.map((line) => record(line)),
      ),
      never(),
    );
  return {
    intake,
    sink,
    clock,
    send,
    receive: async (...lines) => receivedOf(await send(...lines)),
    settled: async ({ settled }) => {
      let value: boolean | undefined;
      void settled.then((isIndexed) => (value = isIndexed));
      return (
        await until(
          "it is settled",
          async () => {
            if (value === undefined) await clock.advance(500);
            return value === undefined ? undefined : { value };
          },
          { everyMs: 1 },
        )
      ).value;
    },
  };
}

function receivedOf(outcome: Outcome): Received {
  if (outcome.kind !== "received") throw new Error(`not received: ${JSON.stringify(outcome)}`);
  return outcome;
}

const events = ({ events: indexed }: SplunkIntake): unknown[] => indexed.map(({ event }) => event);

test("a request is delivered when it is indexed, not when it was received", async () => {
  const { intake, receive, settled, clock } = await world();
  intake.holdsBack = true;
  const first = await receive("one");
  let isSettled = false;
  void first.settled.then(() => (isSettled = true));
  await clock.advance(20_000);
  await until("it was asked for", () => intake.questions.length > 0);
  expect([isSettled, events(intake)]).toEqual([false, []]);
  intake.release();
  expect(await settled(first)).toBe(true);
  expect(events(intake)).toEqual(["one"]);
});

test("many requests are asked for at once, in the channel they went through, and nothing is asked once all is told", async () => {
  const { intake, receive, settled, clock } = await world();
  const requests = [await receive("a"), await receive("b"), await receive("c")];
  for (const one of requests) expect(await settled(one)).toBe(true);
  expect(intake.questions.map(({ asked }) => asked)).toEqual([[0, 1, 2]]);
  expect([...intake.channels]).toEqual([intake.questions[0]?.channel]);
  await clock.advance(60_000);
  expect(intake.questions).toHaveLength(1);
});

test("what is not indexed within the time-out counts as lost, and goes through another channel when it is sent again", async () => {
  const { intake, receive, settled } = await world({}, { ackTimeout: "10s" });
  intake.holdsBack = true;
  const first = await receive("one", "two");
  intake.restart();
  expect(await settled(first)).toBe(false);
  intake.release();
  const second = await receive("one", "two");
  expect(await settled(second)).toBe(true);
  expect(events(intake)).toEqual(["one", "two"]);
  expect(intake.channels.size).toBe(2);
});

test("in a channel that is not used any more, what is open is asked for until it is told", async () => {
  const { intake, receive, settled, clock } = await world({}, { ackTimeout: "10s" });
  intake.holdsBack = true;
  const lost = await receive("one");
  await clock.advance(6_000);
  const open = await receive("two");
  expect(await settled(lost)).toBe(false);
  const next = await receive("one");
  expect(intake.channels.size).toBe(2);
  intake.release();
  expect(await Promise.all([settled(open), settled(next)])).toEqual([true, true]);
});

test("a number that was given before means that the channel was lost: what is open in it is sent again at once", async () => {
  const { intake, receive, settled } = await world();
  intake.holdsBack = true;
  const lost = [await receive("a"), await receive("b")];
  intake.restart();
  intake.holdsBack = false;
  // It gets the number of "a", whose own fate must not be taken from it.
  const next = await receive("c");
  expect(await Promise.all(lost.map(({ settled: told }) => told))).toEqual([false, false]);
  expect(await settled(next)).toBe(true);
  for (const line of ["a", "b"]) expect(await settled(await receive(line))).toBe(true);
  expect(events(intake)).toEqual(["c", "a", "b"]);
});

describe("while acknowledgements can't be asked for", () => {
  test("nothing more is sent, nothing is given up, and it goes on by itself", async () => {
    const { intake, receive, settled, send, clock } = await world({}, { ackTimeout: "5s" });
    const first = await receive("one");
    intake.respond = ({ path }) => (path.endsWith("/ack") ? { status: 503 } : undefined);
    await until("a question was asked in vain", async () => {
      await clock.advance(500);
      return intake.statuses.has(503);
    });
    await clock.advance(60_000);
    expect(await send("two")).toMatchObject({ kind: "retry", reason: expect.stringMatching(/acknowledgements.*503/) });
    expect(events(intake)).toEqual(["one"]);
    intake.respond = () => undefined;
    expect(await settled(first)).toBe(true);
    expect(await settled(await receive("two"))).toBe(true);
    expect(events(intake)).toEqual(["one", "two"]);
  });

  test("the time does not count: what is not indexed yet when they can be asked for again has the rest of its time-out", async () => {
    const { intake, receive, settled, clock } = await world({}, { ackTimeout: "5s", ackInterval: "1s" });
    intake.holdsBack = true;
    const first = await receive("one");
    intake.respond = ({ path }) => (path.endsWith("/ack") ? { status: 503 } : undefined);
    await until("a question was asked in vain", async () => {
      await clock.advance(1_000);
      return intake.statuses.has(503);
    });
    await clock.advance(60_000);
    intake.respond = () => undefined;
    const before = intake.questions.length;
    await until("it was told that it is not indexed yet", async () => {
      if (intake.questions.length <= before) await clock.advance(500);
      return intake.questions.length > before;
    });
    intake.release();
    expect(await settled(first)).toBe(true);
    expect(intake.channels.size).toBe(1);
  });

  test.each<[string, object]>([
    ["text", { body: "fine" }],
    ["success without acknowledgements", { body: { text: "Success", code: 0 } }],
    ["acknowledgements that are none", { body: { acks: { 0: "yes" } } }],
    ["a redirect", { status: 302 }],
  ])("because the answer is %s, it is no acknowledgement", async (_name, fault) => {
    const { intake, receive, send, clock } = await world();
    const first = await receive("one");
    let told: boolean | undefined;
    void first.settled.then((isIndexed) => (told = isIndexed));
    intake.respond = ({ path }) => (path.endsWith("/ack") ? fault : undefined);
    await until("a question", async () => {
      await clock.advance(500);
      return intake.requests > 1;
    });
    expect(["retry", "blocked"]).toContain((await send("two")).kind);
    expect(told).toBeUndefined();
  });
});

describe("a token without acknowledgement", () => {
  test("blocks the sink, and the batch is not sent again and again", async () => {
    const { intake, send } = await world({ acknowledges: false });
    expect(await send("one")).toMatchObject({ kind: "blocked", reason: expect.stringContaining("ackId") });
    for (let i = 0; i < 3; i += 1) {
      expect(await send("one")).toMatchObject({ kind: "blocked", reason: expect.stringContaining("ACK is disabled") });
    }
    expect(events(intake)).toEqual(["one"]);
  });
});

test("the closed sink asks no more, and tells that nothing will be told", async () => {
  const { intake, sink, receive, clock } = await world();
  intake.holdsBack = true;
  const first = await receive("one");
  await sink.close();
  expect(await first.settled).toBe(false);
  await clock.advance(60_000);
  expect(intake.questions).toEqual([]);
});

test.each([
  ["https://s:8088/services/collector/event", "https://s:8088/services/collector/ack"],
  ["https://s:8088/services/collector/event/1.0", "https://s:8088/services/collector/ack"],
  ["https://s:8088/services/collector", "https://s:8088/services/collector/ack"],
  ["https://proxy/hec/services/collector/event?team=a", "https://proxy/hec/services/collector/ack?team=a"],
  ["unix:/run/x.sock:/services/collector/event", "unix:/run/x.sock:/services/collector/ack"],
])("beside %s acknowledgements are at %s", (endpoint, expected) => {
  expect(ackEndpointOf(endpoint)).toBe(expected);
});
