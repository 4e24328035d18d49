import { expect, test } from "vitest";
import { Account, type Written } from "../support/accounting.ts";
import type { AgentProcess } from "../support/agent-process.ts";
import type { Fault, HttpIntake } from "../support/http-intake.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { LineSplitter } from "../support/stdout-records.ts";

const LINES = 60_000;

/** How long the agent waits for a dead sink: longer than the healthy ones may take. */
const DEAD_MS = 120_000;

/** Ships all of `written` to two healthy sinks, beside `others`. */
async function ship(scene: Scene, written: Written, others: Readonly<Record<string, unknown>>): Promise<AgentProcess> {
  const accounts = [new Account(), new Account()] as const;
  const datadog = await scene.datadog({ onItem: ({ message }) => accounts[0].seeText(message) });
  const splitter = new LineSplitter();
  const onStdout = (chunk: Buffer): void => {
    for (const line of splitter.push(chunk)) accounts[1].seeText(line);
  };
  const sinks = { datadog: datadogSink(datadog), console: { type: "stdout", format: "raw" }, ...others };
  const agent = scene.agent({ sinks, log: { level: "warn" } }, { onStdout });
  // A sink that starved the others would take its time-out.
  const haveAll = (): boolean => accounts.every(({ seen }) => seen >= 2 * LINES);
  await eventually("all lines at the healthy sinks", agent, haveAll, DEAD_MS / 2);
  for (const account of accounts) expect([account.faults(written), account.duplicates]).toEqual([[], 0]);
  expect(datadog.violations).toEqual([]);
  return agent;
}

/** What a dead sink does to each request, and how the agent must have met it meanwhile. */
const DEAD: [name: string, fault: Fault, met: (intake: HttpIntake) => boolean][] = [
  ["answers 503", { status: 503 }, (intake) => (intake.statuses.get(503) ?? 0) >= 2],
  ["resets every connection", { instead: "reset" }, (intake) => intake.connections >= 2],
  ["hangs without answering", { instead: "hang" }, (intake) => intake.unanswered.size > 0],
  ["hangs in the middle of its answer", { instead: "hangInBody" }, (intake) => intake.unanswered.size > 0],
];

test.each(DEAD)(
  "a sink that %s does not hold up the others, and has everything once it is healthy",
  async (_name, fault, met) => {
    const scene = new Scene();
    const written = await scene.writer({ files: 2, rate: 0, lines: LINES }).written;
    const account = new Account();
    const splunk = await scene.splunk({ onEvent: ({ event }) => account.seeText(JSON.stringify(event)) });
    splunk.respond = () => fault;
    const timeout = { response: `${DEAD_MS}ms`, total: `${DEAD_MS}ms` };
    const agent = await ship(scene, written, { splunk: splunkSink(splunk, { timeout }) });
    await eventually("the dead sink to be tried", agent, () => met(splunk));
    expect([splunk.indexed, splunk.violations]).toEqual([0, []]);

    splunk.respond = () => undefined;
    splunk.hangUp();
    await eventually("all lines at the healed sink", agent, () => account.seen >= 2 * LINES);
    expect([account.faults(written), account.duplicates, splunk.violations]).toEqual([[], 0, []]);
    expect((await agent.terminate()).code).toBe(0);
  },
  240_000,
);

test("a batch with one event that Splunk cannot read costs that event only", async () => {
  const scene = new Scene();
  const splunk = await scene.splunk({ isPoison: ({ event }) => JSON.stringify(event).includes("poison") });
  scene.write("app.log", "one\ntwo\npoison\nthree\nfour\n");
  const agent = scene.agent({ sinks: { splunk: splunkSink(splunk) } });
  await eventually("the others", agent, () => splunk.indexed >= 4);
  expect(splunk.events.map(({ event }) => event)).toEqual(["one", "two", "three", "four"]);
  expect((await agent.terminate()).code).toBe(0);
});

test.each([401, 403])(
  "on %d the data is held, an alarm is raised, and a corrected key resumes without loss",
  async (status) => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    datadog.respond = () => ({ status });
    scene.write("app.log", "one\ntwo\n");
    const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) } });
    await eventually("a refusal", agent, () => (datadog.statuses.get(status) ?? 0) >= 1);
    await eventually("an alarm", agent, () =>
      agent.log().some(({ level, line }) => level === "error" && line.includes(String(status))),
    );
    expect(datadog.indexed).toBe(0);
    await agent.kill9();
    datadog.respond = () => undefined;
    const next = scene.agent({ sinks: { datadog: datadogSink(datadog) } });
    await eventually("both lines", next, () => datadog.indexed >= 2);
    expect(datadog.items.map(({ message }) => message)).toEqual(["one", "two"]);
  },
);
