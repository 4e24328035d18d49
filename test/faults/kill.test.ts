import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { NODE, type AgentProcess } from "../support/agent-process.ts";
import type { HttpIntake } from "../support/http-intake.ts";
import { Siege } from "../support/siege.ts";

const FILES = 4;
const LINES_A_SECOND = 400;
const SECONDS = 21;

/** A way to kill the agent. Resolves when it is dead. */
type Kill = (siege: Siege, agent: AgentProcess) => Promise<void>;

const atRandom: Kill = async (siege, agent) => {
  const ms = 300 + Math.random() * 1_500;
  await pause(ms);
  agent.signal("SIGKILL");
  await siege.ended(`at random, ${ms.toFixed(0)} ms after its first delivery`, agent);
};

/** Keeps back the answer of the next request. Whether its items are stored decides which of the two dangers is tested. */
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

const beforeTheAnswer: Kill = async (siege, agent) => {
  const heldSince = siege.now();
  // Datadog never got its batch, so it must come again; Splunk has stored its batch, so it may come again.
  const held = await Promise.all([holdNext(siege.datadog, false), holdNext(siege.splunk, true)]);
  agent.signal("SIGKILL");
  await siege.ended("after the request was sent, before its answer", agent, heldSince);
  for (const release of held) release();
};

const afterTheAnswer: Kill = async (siege, agent) => {
  const killed = Promise.withResolvers<void>();
  const answered = (): void => {
    agent.signal("SIGKILL");
    killed.resolve();
  };
  siege.datadog.respond = () => {
    siege.datadog.respond = () => undefined;
    return { answered };
  };
  await killed.promise;
  await siege.ended("after the answer, before its checkpoint", agent);
};

const inACompaction: Kill = async (siege, agent) => {
  const { scene } = siege;
  const killer = join(import.meta.dirname, "../support/kill-at-compaction.ts");
  const [code]: unknown[] = await once(scene.spawn(NODE, [killer, scene.state, String(agent.pid)]), "exit");
  if (code !== 0) throw new Error("no compaction was seen");
  await siege.ended("in a compaction", agent);
  expect(readdirSync(scene.state).filter((name) => name.endsWith(".new"))).not.toEqual([]);
};

const KILLS = [beforeTheAnswer, afterTheAnswer, inACompaction, atRandom];

test.each([
  ["app.log.1 -> app.log.2", "shift"],
  ["app.log.<time>", "unique"],
])(
  "killed five times under two rotations a second (%s), the agent loses nothing and repeats only what was unacknowledged",
  async (_name, scheme) => {
    const siege = await Siege.open();
    const load = { files: FILES, rate: LINES_A_SECOND, seconds: SECONDS, rotations: 2, scheme };
    const writer = siege.scene.writer({ ...load, "rotate-from": "signal" });

    await atRandom(siege, await siege.begin(writer, FILES));
    for (const kill of KILLS) await kill(siege, await siege.startAndDeliver());
    const agent = siege.start();
    const written = await writer.written;
    await siege.complete(agent, written);
    const exit = await agent.terminate();

    const each = Array.from({ length: FILES }, (_, n) => [`app-${n}`, LINES_A_SECOND * SECONDS]);
    expect(written).toEqual(Object.fromEntries(each));
    for (const [name, account] of Object.entries(siege.accounts)) {
      expect(account.faults(written), `${name}\n${siege.story}`).toEqual([]);
      expect(account.repeatsOutside(siege.windows), `${name} repeats acknowledged lines\n${siege.story}`).toEqual([]);
    }
    expect(siege.accounts.stdout.disorders, `the generations of a file in their order\n${siege.story}`).toEqual([]);
    expect([siege.datadog.violations, siege.splunk.violations, exit.code]).toEqual([[], [], 0]);
  },
  240_000,
);
