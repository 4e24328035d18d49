import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { Account, type Window } from "../support/accounting.ts";
import { NODE, type AgentProcess } from "../support/agent-process.ts";
import type { DatadogIntake } from "../support/datadog-intake.ts";
import type { HttpIntake } from "../support/http-intake.ts";
import { until } from "../support/poll.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import type { SplunkIntake } from "../support/splunk-intake.ts";
import { LineSplitter, stdoutRecord } from "../support/stdout-records.ts";

const FILES = 4;
const LINES_A_SECOND = 400;
const SECONDS = 20;

/**
 * The unacknowledged window: a line may come again only when its first delivery was in flight at the kill, or was
 * answered so shortly before that its checkpoint was not durable. That is one interval of 50 ms, and the time that the
 * answer, the event loop and the disk take on a loaded machine.
 */
const WINDOW_MS = 50 + 700;

const CONFIG = { checkpoints: { interval: "50ms", compactAt: "4KiB" }, log: { level: "warn" } };

/** Three sinks, each with its account, and an agent that can be killed and started again. */
class Siege {
  readonly scene = new Scene();
  readonly accounts = { datadog: new Account(), splunk: new Account(), stdout: new Account() };
  readonly windows: Window[] = [];
  readonly story: string[] = [];
  readonly #startedAt = performance.now();

  /** Milliseconds since the test began. */
  readonly now = (): number => performance.now() - this.#startedAt;

  start(datadog: DatadogIntake, splunk: SplunkIntake): AgentProcess {
    const splitter = new LineSplitter();
    this.accounts.stdout.startRun();
    const onStdout = (chunk: Buffer): void => {
      for (const line of splitter.push(chunk))
        this.accounts.stdout.seeText(JSON.stringify(stdoutRecord(line).attributes), this.now());
    };
    const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk), console: { type: "stdout" } };
    return this.scene.agent({ ...CONFIG, sinks }, { onStdout });
  }

  /** Waits for the end of an agent that is being killed, and notes what it may deliver again. */
  async ended(name: string, agent: AgentProcess, heldSince = Infinity): Promise<void> {
    const exit = await agent.waitExit(10_000);
    if (exit.signal !== "SIGKILL") throw new Error(`the agent ended by itself: ${agent.tail()}`);
    const to = this.now();
    this.windows.push({ from: Math.min(to, heldSince) - WINDOW_MS, to });
    this.story.push(`${to.toFixed(0)}: ${name}`);
  }
}

interface Besieged {
  readonly siege: Siege;
  readonly agent: AgentProcess;
  readonly datadog: DatadogIntake;
  readonly splunk: SplunkIntake;
}

async function atRandom({ siege, agent }: Besieged): Promise<void> {
  const ms = 300 + Math.random() * 1_500;
  await pause(ms);
  agent.signal("SIGKILL");
  await siege.ended(`at random, after ${ms.toFixed(0)} ms`, agent);
}

/** Keeps back the answer of the next request; whether its items are stored decides which of the two dangers is tested. */
function holdNext(intake: HttpIntake, indexed: boolean): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<() => void>();
  const hold = Promise.withResolvers<void>();
  intake.respond = () => {
    intake.respond = () => undefined;
    resolve(hold.resolve);
    return { hold: hold.promise, indexed };
  };
  return promise;
}

async function beforeTheAnswer({ siege, agent, datadog, splunk }: Besieged): Promise<void> {
  const heldSince = siege.now();
  // Datadog never got its batch, so it must come again; Splunk has stored its batch, so it may come again.
  const held = await Promise.all([holdNext(datadog, false), holdNext(splunk, true)]);
  agent.signal("SIGKILL");
  await siege.ended("after the request, before its answer", agent, heldSince);
  for (const release of held) release();
}

async function afterTheAnswer({ siege, agent, datadog }: Besieged): Promise<void> {
  const answered = Promise.withResolvers<void>();
  const kill = (): void => {
    agent.signal("SIGKILL");
    answered.resolve();
  };
  datadog.respond = () => {
    datadog.respond = () => undefined;
    return { answered: kill };
  };
  await answered.promise;
  await siege.ended("after the answer, before its checkpoint", agent);
}

const COMPACTION_TRIES = 5;

async function inACompaction(besieged: Besieged): Promise<void> {
  const { siege, datadog, splunk } = besieged;
  let { agent } = besieged;
  for (let tries = 1; ; tries += 1) {
    const script = join(import.meta.dirname, "../support/kill-at-compaction.ts");
    const killer = siege.scene.spawn(NODE, [script, siege.scene.state, String(agent.pid)]);
    const [code]: unknown[] = await once(killer, "exit");
    if (code !== 0) throw new Error("no compaction was seen");
    await siege.ended("in a compaction", agent);
    // The kill may have come a moment too late; what is left on the disk tells.
    if (readdirSync(siege.scene.state).some((name) => name.endsWith(".new"))) return;
    if (tries === COMPACTION_TRIES) throw new Error("never hit the middle of a compaction");
    agent = await startAndDeliver(siege, datadog, splunk);
  }
}

async function startAndDeliver(siege: Siege, datadog: DatadogIntake, splunk: SplunkIntake): Promise<AgentProcess> {
  const before = [datadog.indexed, splunk.indexed] as const;
  const agent = siege.start(datadog, splunk);
  await eventually("a delivery to each", agent, () => datadog.indexed > before[0] && splunk.indexed > before[1]);
  return agent;
}

test("killed five times under two rotations a second, the agent loses nothing and repeats only what was unacknowledged", async () => {
  const siege = new Siege();
  const { accounts, scene } = siege;
  const datadog = await scene.datadog({ onItem: ({ message }) => accounts.datadog.seeText(message, siege.now()) });
  const splunk = await scene.splunk({
    onEvent: ({ event }) => accounts.splunk.seeText(JSON.stringify(event), siege.now()),
  });
  const writer = scene.writer({ files: FILES, rate: LINES_A_SECOND, seconds: SECONDS, rotations: 2 });

  for (const kill of [atRandom, beforeTheAnswer, afterTheAnswer, inACompaction, atRandom]) {
    const agent = await startAndDeliver(siege, datadog, splunk);
    await kill({ siege, agent, datadog, splunk });
  }
  const agent = siege.start(datadog, splunk);
  const written = await writer.written;
  const all = Object.entries(accounts);
  await until("all lines at all sinks", () => all.every(([, account]) => account.isComplete(written)), {
    timeoutMs: 20_000,
    everyMs: 200,
    detail: () =>
      JSON.stringify(all.map(([name, account]) => [name, account.faults(written).slice(0, 20)])) + agent.tail(),
  });
  const exit = await agent.terminate();

  const story = siege.story.join("\n");
  expect(written).toEqual(
    Object.fromEntries(Array.from({ length: FILES }, (_, n) => [`app-${n}`, LINES_A_SECOND * SECONDS])),
  );
  for (const [name, account] of all) {
    expect(account.faults(written), `${name}\n${story}`).toEqual([]);
    expect(account.repeatsOutside(siege.windows), `${name} repeats lines that were acknowledged\n${story}`).toEqual([]);
  }
  expect(accounts.stdout.disorders, "generations of a file in their order").toBe(0);
  expect([datadog.violations, splunk.violations, exit.code]).toEqual([[], [], 0]);
}, 90_000);
