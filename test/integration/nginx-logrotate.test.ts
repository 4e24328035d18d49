import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Account } from "../support/accounting.ts";
import { Nginx } from "../support/nginx.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { LineSplitter } from "../support/stdout-records.ts";

const ROTATIONS = 8;
const CONNECTIONS = 4;
/** A fast application, and time for the agent on two cores. */
const BETWEEN_ROTATIONS_MS = 700;

/** Counts a line of the access log by the number in its URL. */
function count(account: Account, line: string): void {
  const seq = /"GET \/seq\/(\d+) HTTP/.exec(line)?.[1];
  if (seq !== undefined) account.see("access", Number(seq), 0);
}

test("every line of a real nginx under load arrives once at every sink while real logrotate rotates its log", async () => {
  const scene = new Scene();
  const accounts = { datadog: new Account(), splunk: new Account(), stdout: new Account() };
  const datadog = await scene.datadog({ onItem: ({ message }) => count(accounts.datadog, message) });
  const splunk = await scene.splunk({ onEvent: ({ event }) => count(accounts.splunk, String(event)) });
  const nginx = await Nginx.start(scene);
  const splitter = new LineSplitter();
  const onStdout = (chunk: Buffer): void => {
    for (const line of splitter.push(chunk)) count(accounts.stdout, line);
  };
  const sources = { nginx: { include: [join(scene.logs, "access.log")], format: "auto" } };
  const console = { type: "stdout", format: "raw" };
  const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk), console };
  const agent = scene.agent({ sources, sinks }, { onStdout });

  // What is rotated away before the agent has seen its first look is none of its files.
  await eventually("the log to be followed", agent, () =>
    agent.log().some(({ message }) => message.startsWith("following ")),
  );

  const stop = new AbortController();
  const load = nginx.load(CONNECTIONS, stop.signal);
  for (let n = 0; n < ROTATIONS; n += 1) {
    await pause(BETWEEN_ROTATIONS_MS);
    nginx.rotate();
  }
  stop.abort();
  await load;
  await nginx.stop();

  const written = { access: nginx.requested };
  const all = Object.values(accounts);
  await eventually("all lines", agent, () => all.every((account) => account.isComplete(written)));
  expect((await agent.terminate()).code).toBe(0);
  expect(nginx.requested).toBeGreaterThan(1_000);
  for (const account of all) expect([account.faults(written), account.duplicates]).toEqual([[], 0]);
  expect([datadog.violations, splunk.violations]).toEqual([[], []]);
});
