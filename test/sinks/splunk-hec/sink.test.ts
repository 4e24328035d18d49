import { describe, expect, test } from "vitest";
import { splunkHec } from "../../../src/sinks/splunk-hec/sink.ts";
import { SplunkIntake } from "../../support/splunk-intake.ts";
import { bodyOf, createSink, never, record } from "../support.ts";

const TOKEN = "11111111-2222-3333-4444-555555555555";

test.each(["gzip", "none"])("a batch is indexed as it was read (%s)", async (compression) => {
  const intake = await new SplunkIntake().listen();
  const sink = createSink(splunkHec, { token: `${TOKEN}\n`, endpoint: intake.endpoint, index: "main", compression });
  const lines = ["plain", '{"a":1,"b":[{}]}', '{"a":1},"index":"_audit","x":{}', "\u0000 \u0000", '\\ " é \u2028'];
  const records = lines.map((line) => record(line, { timestamp: { epochMs: 1_767_225_600_123, nanos: 0 } }));
  expect(await sink.send(bodyOf(sink, records), never())).toEqual({ kind: "delivered" });
  expect(intake.events.map(({ event }) => event)).toEqual([
    "plain",
    { a: 1, b: [{}] },
    '{"a":1},"index":"_audit","x":{}',
    { message: "\u0000 \u0000" },
    '\\ " é \u2028',
  ]);
  expect(new Set(intake.events.map(({ index }) => index))).toEqual(new Set(["main"]));
  expect(intake.events[0]).toMatchObject({
    time: 1_767_225_600.123,
    host: "pod-1",
    source: "/var/log/app.log",
    fields: { service: "checkout", env: "prod", version: "1.2.3" },
  });
  expect(intake.violations).toEqual([]);
  await sink.close();
  await intake.close();
});

test("one sink keeps to one channel", async () => {
  const intake = await new SplunkIntake().listen();
  const sink = createSink(splunkHec, { token: TOKEN, endpoint: intake.endpoint });
  for (let i = 0; i < 3; i++) await sink.send(bodyOf(sink, [record(String(i))]), never());
  expect(intake.channels.size).toBe(1);
  await sink.close();
  await intake.close();
});

describe("the number of the bad event", () => {
  test("names the record", async () => {
    const intake = await new SplunkIntake({ isPoison: ({ event }) => event === "poison" }).listen();
    const sink = createSink(splunkHec, { token: TOKEN, endpoint: intake.endpoint });
    const records = ["a", "b", "poison", "c"].map((line) => record(line));
    expect(await sink.send(bodyOf(sink, records), never())).toMatchObject({
      kind: "rejected",
      firstBad: 2,
    });
    expect(intake.events.map(({ event }) => event)).toEqual(["a", "b"]);
    await sink.close();
    await intake.close();
  });
});

test("the wrong token blocks the sink", async () => {
  const intake = await new SplunkIntake().listen();
  const sink = createSink(splunkHec, { token: "wrong", endpoint: intake.endpoint });
  expect(await sink.send(bodyOf(sink, [record("a")]), never())).toMatchObject({ kind: "blocked" });
  await sink.close();
  await intake.close();
});

test("a body over the limit of the server is too large", async () => {
  const intake = await new SplunkIntake({ maxContentLength: 1_000 }).listen();
  const sink = createSink(splunkHec, { token: TOKEN, endpoint: intake.endpoint });
  expect(await sink.send(bodyOf(sink, [record("x".repeat(2_000))]), never())).toMatchObject({
    kind: "tooLarge",
  });
  await sink.close();
  await intake.close();
});
