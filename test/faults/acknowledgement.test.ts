import { expect, test } from "vitest";
import { Account } from "../support/accounting.ts";
import { until } from "../support/poll.ts";
import { eventually, Scene, splunkSink } from "../support/scene.ts";

const LINES = 5_000;
const ACKNOWLEDGE = { acknowledge: true, ackInterval: "100ms", batch: { maxRecords: 500, maxAge: "100ms" } };
const CHECKPOINTS = { checkpoints: { interval: "50ms" } };

test("what is received but not indexed is sent again after a kill, and what is indexed is not", async () => {
  const scene = new Scene();
  const written = await scene.writer({ files: 2, rate: 0, lines: LINES }).written;
  const account = new Account();
  const splunk = await scene.splunk({
    acknowledges: true,
    onEvent: ({ event }) => account.seeText(JSON.stringify(event)),
  });
  splunk.holdsBack = true;
  const config = { ...CHECKPOINTS, sinks: { splunk: splunkSink(splunk, ACKNOWLEDGE) } };
  const first = scene.agent(config);
  await eventually("all is received", first, () => splunk.requests - splunk.questions.length >= (2 * LINES) / 500);
  await first.kill9();
  // The indexer dies as well: what it had not indexed is gone.
  splunk.restart();
  splunk.holdsBack = false;
  expect(account.seen).toBe(0);

  const second = scene.agent(config);
  await eventually("all lines", second, () => account.isComplete(written));
  expect((await second.terminate()).code).toBe(0);
  expect([account.faults(written), account.duplicates, splunk.violations]).toEqual([[], 0, []]);

  const questions = splunk.questions.length;
  const requests = splunk.requests;
  const third = scene.agent({ ...config, shutdown: { quietPeriod: "50ms" } });
  await until("the third agent runs", () => third.log().some(({ line }) => line.includes("running")));
  expect((await third.terminate()).code).toBe(0);
  expect([splunk.questions.length, splunk.requests]).toEqual([questions, requests]);
});

test("an indexer that starts anew while files rotate costs no line: they are read again", async () => {
  const scene = new Scene();
  const account = new Account();
  const splunk = await scene.splunk({
    acknowledges: true,
    onEvent: ({ event }) => account.seeText(JSON.stringify(event)),
  });
  const sink = splunkSink(splunk, { ...ACKNOWLEDGE, ackTimeout: "1s" });
  const writer = scene.writer({ files: 1, rate: 2_000, lines: LINES, rotations: 2, keep: 50, "rotate-from": "signal" });
  const agent = scene.agent({ ...CHECKPOINTS, sinks: { splunk: sink } });
  for (let round = 1; round <= 3; round += 1) {
    await eventually("some lines", agent, () => account.seen > round * 500);
    if (round === 1) writer.startRotating();
    splunk.holdsBack = true;
    const received = splunk.requests;
    await eventually("some requests", agent, () => splunk.requests > received + 3);
    splunk.restart();
    splunk.holdsBack = false;
  }
  const written = await writer.written;
  await eventually("all lines", agent, () => account.isComplete(written));
  expect((await agent.terminate()).code).toBe(0);
  expect([account.faults(written), splunk.violations]).toEqual([[], []]);
});
