import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Account } from "../support/accounting.ts";
import type { Fault } from "../support/http-intake.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { LineSplitter } from "../support/stdout-records.ts";

/** The default of `shutdown.quietPeriod`. */
const QUIET_MS = 2_000;

async function threeSinks(scene: Scene) {
  const accounts = { datadog: new Account(), splunk: new Account(), stdout: new Account() };
  const datadog = await scene.datadog({ onItem: ({ message }) => accounts.datadog.seeText(message) });
  const splunk = await scene.splunk({ onEvent: ({ event }) => accounts.splunk.seeText(JSON.stringify(event)) });
  const splitter = new LineSplitter();
  const onStdout = (chunk: Buffer): void => {
    for (const line of splitter.push(chunk)) accounts.stdout.seeText(line);
  };
  const sinks = {
    datadog: datadogSink(datadog),
    splunk: splunkSink(splunk),
    console: { type: "stdout", format: "raw" },
  };
  return { accounts, datadog, splunk, sinks, onStdout };
}

describe("while the application goes on writing", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "3 s after %s its last line still arrives at every sink",
    async (signal) => {
      const scene = new Scene();
      const { accounts, datadog, splunk, sinks, onStdout } = await threeSinks(scene);
      const agent = scene.agent({ sinks, shutdown: {} }, { onStdout });
      const writer = scene.writer({ files: 2, rate: 50, seconds: 30, rotations: 1, "rotate-from": "signal" });
      const all = Object.values(accounts);
      await eventually("the first lines", agent, () => all.every((account) => account.files === 2));
      writer.startRotating();

      const from = performance.now();
      agent.signal(signal);
      await pause(3_000);
      expect(agent.exit).toBeUndefined();
      const written = await writer.stop();
      const exit = await agent.waitExit(QUIET_MS + 3_000);
      expect(exit).toEqual({ code: 0, signal: null });
      expect(performance.now() - from).toBeGreaterThan(3_000 + QUIET_MS - 500);
      for (const account of all) expect([account.faults(written), account.duplicates]).toEqual([[], 0]);
      expect([datadog.violations, splunk.violations]).toEqual([[], []]);
    },
  );

  test("an application that never stops is left at 60 % of the time-out, and the rest is read by the next agent", async () => {
    const scene = new Scene();
    const { accounts, sinks, onStdout } = await threeSinks(scene);
    const config = { sinks, shutdown: { timeout: "5s" } };
    const agent = scene.agent(config, { onStdout });
    const writer = scene.writer({ files: 1, rate: 50, seconds: 30 });
    const all = Object.values(accounts);
    await eventually("the first lines", agent, () => all.every(({ seen }) => seen > 0));
    const { tookMs, code } = await agent.terminate();
    expect([tookMs > 2_500, tookMs < 5_500]).toEqual([true, true]);
    // What was read until then was delivered; the writer's later lines are the next agent's.
    expect([0, 75]).toContain(code);
    const written = await writer.stop();
    const next = scene.agent(config, { onStdout });
    await eventually("all lines", next, () => all.every((account) => account.isComplete(written)));
  });

  test("a second signal ends the agent at once, and the next one goes on where it stood", async () => {
    const scene = new Scene();
    const { accounts, sinks, onStdout } = await threeSinks(scene);
    const agent = scene.agent({ sinks, shutdown: {} }, { onStdout });
    const writer = scene.writer({ files: 1, rate: 50, seconds: 30 });
    const all = Object.values(accounts);
    await eventually("the first lines", agent, () => all.every(({ seen }) => seen > 0));
    agent.signal("SIGTERM");
    // Within half a second it would be taken for the same one, handed on by npm.
    await pause(700);
    expect(agent.exit).toBeUndefined();
    const { tookMs } = await agent.terminate();
    expect(tookMs).toBeLessThan(500);
    const written = await writer.stop();
    const next = scene.agent({ sinks, shutdown: {} }, { onStdout });
    await eventually("all lines", next, () => all.every((account) => account.isComplete(written)));
  });
});

test("when the application has been quiet for long, SIGTERM ends the agent within a second", async () => {
  const scene = new Scene();
  const { accounts, sinks, onStdout } = await threeSinks(scene);
  const written = await scene.writer({ files: 3, rate: 0, lines: 500 }).written;
  const agent = scene.agent({ sinks, shutdown: {} }, { onStdout });
  await eventually("all lines", agent, () => Object.values(accounts).every((account) => account.isComplete(written)));
  await pause(QUIET_MS + 1_000);
  const { code, tookMs } = await agent.terminate();
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(1_000);
});

describe("during a back-off of 30 s", () => {
  const BACK_OFF: Fault = { status: 503, headers: { "retry-after": "30" } };

  async function backingOff(scene: Scene) {
    const datadog = await scene.datadog();
    const splunk = await scene.splunk();
    splunk.respond = () => BACK_OFF;
    const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk) };
    const agent = scene.agent({ sinks, shutdown: {} });
    scene.write("app.log", "one\ntwo\n");
    await eventually("the refusal", agent, () => splunk.statuses.get(503) === 1 && datadog.indexed === 2);
    return { agent, datadog, splunk };
  }

  test("SIGTERM collapses the wait: the healed sink gets everything within the quiet period and 2 s", async () => {
    const { agent, splunk } = await backingOff(new Scene());
    splunk.respond = () => undefined;
    const { code, tookMs } = await agent.terminate();
    expect([code, splunk.events.map(({ event }) => event)]).toEqual([0, ["one", "two"]]);
    expect(tookMs).toBeLessThan(QUIET_MS + 2_000);
  });

  test("SIGTERM ends in time with 75 when the sink still fails, and the next agent delivers", async () => {
    const scene = new Scene();
    const { agent, datadog, splunk } = await backingOff(scene);
    const { code, tookMs } = await agent.terminate();
    expect([code, splunk.indexed]).toEqual([75, 0]);
    expect(tookMs).toBeLessThan(QUIET_MS + 2_000);
    // It was tried again, now that no waiting is left.
    expect(splunk.requests).toBeGreaterThan(1);

    splunk.respond = () => undefined;
    const next = scene.agent({ sinks: { datadog: datadogSink(datadog), splunk: splunkSink(splunk) } });
    await eventually("both lines", next, () => splunk.indexed >= 2);
    expect((await next.terminate()).code).toBe(0);
    expect([splunk.events.map(({ event }) => event), datadog.indexed]).toEqual([["one", "two"], 2]);
  });
});

test("a sink that hangs cannot hold the end back beyond the time-out of the shutdown", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const splunk = await scene.splunk();
  splunk.respond = () => ({ instead: "hang" });
  const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk) };
  const agent = scene.agent({ sinks, shutdown: { timeout: "4s", quietPeriod: "500ms" } });
  scene.write("app.log", "one\ntwo\n");
  await eventually("the hanging request", agent, () => splunk.unanswered.size > 0 && datadog.indexed === 2);
  const { code, tookMs } = await agent.terminate();
  expect(code).toBe(75);
  expect(tookMs).toBeLessThan(5_000);
});

test("SIGTERM in the midst of the first look at thousands of files ends it in time, and the next run ships everything", async () => {
  const scene = new Scene();
  const FILES = 2_000;
  for (let file = 0; file < FILES; file += 1) scene.write(`${file}.log`, `line ${file}\n`);
  const sinks = { console: { type: "stdout", format: "raw" } };
  const agent = scene.agent({ sinks, shutdown: { timeout: "300ms" } });
  await eventually("the lock", agent, () => existsSync(join(scene.state, "checkpoints.journal")));
  const { code, tookMs } = await agent.terminate();
  expect(code).toBe(75);
  expect(tookMs).toBeLessThan(1_500);
  const next = scene.agent({ sinks }, { args: ["--once"] });
  expect((await next.waitExit(60_000)).code).toBe(0);
  const lines = new Set(`${agent.stdout}${next.stdout}`.split("\n").filter((line) => line !== ""));
  expect(lines.size).toBe(FILES);
});
