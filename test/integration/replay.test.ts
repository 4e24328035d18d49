import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { until } from "../support/poll.ts";
import { eventually, Scene, splunkSink } from "../support/scene.ts";
import type { SplunkIntake } from "../support/splunk-intake.ts";

/** A Splunk that refuses lines with "poison" until it is cured. */
async function poisoned(scene: Scene, options: Readonly<Record<string, unknown>> = {}) {
  const state = { cured: false };
  const splunk = await scene.splunk({
    isPoison: ({ event }) => !state.cured && JSON.stringify(event).includes("poison"),
  });
  const config = { sinks: { splunk: splunkSink(splunk, { batch: { maxRecords: 50, maxAge: "50ms" }, ...options }) } };
  return { splunk, config, cure: () => (state.cured = true) };
}

const directoryOf = (scene: Scene): string => join(scene.state, "dead-letters", "splunk");

const namesIn = (scene: Scene): readonly string[] => {
  try {
    return readdirSync(directoryOf(scene)).sort();
  } catch {
    // None was ever written.
    return [];
  }
};

const lettersIn = (scene: Scene): readonly Record<string, unknown>[] =>
  namesIn(scene)
    .filter((name) => name.includes(".ndjson"))
    .flatMap((name) => readFileSync(join(directoryOf(scene), name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line): Record<string, unknown> => JSON.parse(line));

const replay = (scene: Scene, ...args: readonly string[]) =>
  scene.run(["replay", "-c", join(scene.dir, "tailcar.yaml"), ...args]);

const eventsOf = (splunk: SplunkIntake): readonly unknown[] => splunk.events.map(({ event }) => event);

test("of 1,000 records with 3 bad ones 997 are delivered once; beside the running agent a replay delivers the 3", async () => {
  const scene = new Scene();
  const { splunk, config, cure } = await poisoned(scene);
  const lines = Array.from({ length: 1_000 }, (_, n) => ([10, 500, 999].includes(n) ? `poison ${n}` : `line ${n}`));
  scene.write("app.log", `${lines.join("\n")}\n`);
  const agent = scene.agent(config);
  await eventually("three dead letters", agent, () => lettersIn(scene).length === 3 && splunk.indexed === 997);
  expect(lettersIn(scene)[0]).toMatchObject({
    sink: "splunk",
    status: 400,
    response: expect.stringContaining("invalid-event-number"),
    source: "app",
    file: join(scene.logs, "app.log"),
    offset: 70,
    length: 10,
    record: "poison 10",
  });
  for (const name of namesIn(scene)) expect(statSync(join(directoryOf(scene), name)).mode & 0o077).toBe(0);

  const refused = await replay(scene).waitExit(60_000);
  expect([refused.code, lettersIn(scene).length]).toEqual([75, 3]);

  cure();
  const run = replay(scene, "--sink", "splunk");
  expect((await run.waitExit(60_000)).code).toBe(0);
  expect(run.stderr).toContain("splunk: 3 delivered, 0 refused again and kept");
  expect(namesIn(scene)).toEqual([]);
  expect([splunk.indexed, new Set(eventsOf(splunk))]).toEqual([1_000, new Set(lines)]);
  // The agent goes on, and keeps further ones.
  scene.write("app.log", "after\n");
  await eventually("the next line", agent, () => splunk.indexed === 1_001);
  expect((await agent.terminate()).code).toBe(0);
  expect(agent.stderr).toMatch(/deadLettered 32 .*balanced/);
});

describe("without an agent", () => {
  const POISON = Array.from({ length: 400 }, (_, n) => `poison ${n}`);

  /** An agent that ended with 400 dead letters. */
  async function ended(scene: Scene) {
    const world = await poisoned(scene);
    const good = Array.from({ length: 600 }, (_, n) => `line ${n}`);
    const mixed = good.flatMap((line, n) => (n % 3 === 2 ? [line] : [line, POISON[n - Math.floor(n / 3)]]));
    scene.write("app.log", `${mixed.join("\n")}\n`);
    const agent = scene.agent(world.config);
    await eventually("all are told apart", agent, () => lettersIn(scene).length === 400);
    await agent.kill9();
    world.cure();
    return world;
  }

  test("a replay that is killed goes on where it stood: nothing is lost, one batch at most comes twice", async () => {
    const scene = new Scene();
    const { splunk } = await ended(scene);
    const before = splunk.indexed;
    const hold = Promise.withResolvers<void>();
    splunk.respond = () => (splunk.indexed >= before + 200 ? { hold: hold.promise, indexed: true } : undefined);
    const first = replay(scene);
    await until("it is in the middle", () => splunk.indexed >= before + 250);
    await first.kill9();
    hold.resolve();
    splunk.respond = () => undefined;
    const second = replay(scene);
    expect((await second.waitExit(60_000)).code).toBe(0);
    const replayed = eventsOf(splunk).slice(before).map(String);
    expect(new Set(replayed)).toEqual(new Set(POISON));
    expect(replayed.length - POISON.length).toBeLessThanOrEqual(50);
    expect(namesIn(scene)).toEqual([]);
  });

  test("one file alone can be replayed; a sink that is down keeps it waiting, and a signal ends it with the rest kept", async () => {
    const scene = new Scene();
    const { splunk } = await ended(scene);
    const before = splunk.indexed;
    splunk.respond = () => (splunk.indexed > before ? { status: 503 } : undefined);
    const first = replay(scene);
    await until("the sink is down", () => splunk.indexed > before);
    const { code, tookMs } = await first.terminate();
    expect([code, tookMs < 3_000]).toEqual([75, true]);
    splunk.respond = () => undefined;
    const segment = namesIn(scene).find((name) => name.endsWith(".ndjson")) ?? "";
    expect((await replay(scene, join(directoryOf(scene), segment)).waitExit(60_000)).code).toBe(0);
    expect(new Set(eventsOf(splunk).slice(before))).toEqual(new Set(POISON));
    expect(splunk.indexed - before).toBe(POISON.length);
  });

  test("nothing to do, an unknown sink and a file that is not there are told", async () => {
    const scene = new Scene();
    const { config } = await poisoned(scene);
    const agent = scene.agent({ ...config }, { args: ["--once"] });
    expect((await agent.waitExit(60_000)).code).toBe(0);
    const nothing = replay(scene);
    expect((await nothing.waitExit(60_000)).code).toBe(0);
    expect(nothing.stderr).toBe("splunk: no dead letters\n");
    const unknown = replay(scene, "--sink", "nobody");
    expect((await unknown.waitExit(60_000)).code).toBe(2);
    expect(unknown.stderr).toContain("known are splunk");
    expect((await replay(scene, "/nowhere.ndjson").waitExit(60_000)).code).toBe(2);
  });
});
