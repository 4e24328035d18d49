import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Account } from "../support/accounting.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { LineSplitter } from "../support/stdout-records.ts";

/** As long as a virtual machine that is moved, or a laptop's lid. */
const SUSPENDED_MS = 30_000;

test("suspended for 30 s while files rotate and receivers hang up, it goes on by itself and loses nothing", async () => {
  const scene = new Scene();
  const accounts = { datadog: new Account(), splunk: new Account(), console: new Account() };
  const datadog = await scene.datadog({ onItem: ({ message }) => accounts.datadog.seeText(message) });
  const splunk = await scene.splunk({
    acknowledges: true,
    onEvent: ({ event }) => accounts.splunk.seeText(JSON.stringify(event)),
  });
  const splitter = new LineSplitter();
  const onStdout = (chunk: Buffer): void => {
    for (const line of splitter.push(chunk)) accounts.console.seeText(line);
  };
  const config = {
    sinks: {
      datadog: datadogSink(datadog, { batch: { maxAge: "100ms" } }),
      splunk: splunkSink(splunk, { acknowledge: true, ackInterval: "500ms", batch: { maxAge: "100ms" } }),
      console: { type: "stdout", format: "raw" },
    },
    checkpoints: { interval: "100ms" },
  };
  const writer = scene.writer({
    files: 2,
    rate: 200,
    seconds: SUSPENDED_MS / 1_000 + 8,
    rotations: 0.5,
    "rotate-from": "signal",
  });
  const agent = scene.agent(config, { onStdout });
  const all = Object.values(accounts);
  await eventually("lines everywhere", agent, () => all.every(({ seen }) => seen > 200));
  writer.startRotating();
  const hold = Promise.withResolvers<void>();
  datadog.respond = () => ({ hold: hold.promise, indexed: false });
  splunk.holdsBack = true;
  await eventually("a request under way", agent, () => datadog.unanswered.size > 0);

  agent.signal("SIGSTOP");
  datadog.respond = () => undefined;
  for (const intake of [datadog, splunk]) intake.hangUp();
  hold.resolve();
  // The indexer has forgotten what it had received.
  splunk.restart();
  splunk.holdsBack = false;
  await pause(SUSPENDED_MS);
  const seen = all.map((account) => account.seen);
  agent.signal("SIGCONT");

  await eventually("it goes on", agent, () => all.every((account, index) => account.seen > (seen[index] ?? 0)));
  const written = await writer.written;
  await eventually("all lines everywhere", agent, () => all.every((account) => account.isComplete(written)));
  expect((await agent.terminate()).code).toBe(0);
  expect(all.flatMap((account) => account.faults(written))).toEqual([]);
  expect([datadog.violations, splunk.violations]).toEqual([[], []]);
  expect(agent.log().filter(({ level }) => level === "error")).toEqual([]);
  const audit = scene.run(["audit", "-c", `${scene.dir}/tailcar.yaml`]);
  expect(await audit.waitExit(60_000)).toMatchObject({ code: 0 });
}, 240_000);
