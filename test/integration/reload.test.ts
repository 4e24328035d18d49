import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Account } from "../support/accounting.ts";
import { writeConfig, type AgentProcess } from "../support/agent-process.ts";
import type { DatadogIntake } from "../support/datadog-intake.ts";
import { datadogSink, eventually, Scene, splunkSink, type AgentConfig } from "../support/scene.ts";
import { LineSplitter } from "../support/stdout-records.ts";

const RAW = { type: "stdout", format: "raw" };

/** Writes the configuration anew, with what `Scene.agent` adds to it. */
function rewrite(scene: Scene, config: AgentConfig): void {
  const sources = { app: { include: [join(scene.logs, "*.log")], format: "json" } };
  const shutdown = { quietPeriod: "250ms" };
  writeConfig(join(scene.dir, "next.yaml"), { stateDir: scene.state, sources, shutdown, ...config });
  renameSync(join(scene.dir, "next.yaml"), join(scene.dir, "tailcar.yaml"));
}

const happened = (agent: AgentProcess, event: string): number =>
  agent.log().filter(({ line }) => line.includes(`"event":"${event}"`)).length;

/** Asks for a reload and waits until it has come about. */
async function reload(agent: AgentProcess, event = "config.reloaded"): Promise<void> {
  const before = happened(agent, event);
  agent.signal("SIGHUP");
  await eventually(event, agent, () => happened(agent, event) > before);
}

const messages = (intake: DatadogIntake): string[] => intake.items.map(({ message }) => message);

/** What the agent has open besides log files, which are held as long as their rotation asks. */
function openDescriptors(agent: AgentProcess, { logs }: Scene): string[] {
  const directory = `/proc/${agent.pid}/fd`;
  const targets = readdirSync(directory).map((fd) => {
    try {
      return readlinkSync(join(directory, fd));
    } catch (error) {
      // Closed since it was listed.
      return `${logs}: ${String(error)}`;
    }
  });
  return targets.filter((target) => !target.startsWith(logs));
}

/** An intake whose lines of the writer go into an account. */
async function accounted(scene: Scene) {
  const account = new Account();
  const intake = await scene.datadog({ onItem: ({ message }) => account.seeText(message) });
  return { account, intake };
}

describe("a reload while the application writes and rotates", () => {
  test("loses nothing: the sink that stays goes on, a new one begins by startAt, a removed one stops", async () => {
    const scene = new Scene();
    const [kept, removed, added] = [await accounted(scene), await accounted(scene), await accounted(scene)];
    const before = { kept: datadogSink(kept.intake), removed: datadogSink(removed.intake) };
    const agent = scene.agent({ sinks: before });
    const writer = scene.writer({ files: 2, rate: 300, rotations: 2, "rotate-from": "signal" });
    await eventually("both files", agent, () => kept.account.files === 2 && removed.account.files === 2);
    writer.startRotating();
    await pause(1_500);
    rewrite(scene, { sinks: { kept: datadogSink(kept.intake), added: datadogSink(added.intake) } });
    await reload(agent);
    const seenAtReload = removed.account.seen;
    await pause(1_500);
    const written = await writer.stop();
    await eventually("all lines", agent, () => [kept, added].every(({ account }) => account.isComplete(written)));
    expect([kept.account.duplicates, added.account.duplicates]).toEqual([0, 0]);
    expect(removed.account.seen).toBe(seenAtReload);
    expect((await agent.terminate()).code).toBe(0);
  });

  test("twenty times in a row loses nothing and leaks neither descriptors nor listeners", async () => {
    const scene = new Scene();
    const { account, intake } = await accounted(scene);
    const stdout = new Account();
    const splitter = new LineSplitter();
    const onStdout = (chunk: Buffer): void => {
      for (const line of splitter.push(chunk)) stdout.seeText(line);
    };
    const config = (round: number) => ({
      sinks: { datadog: datadogSink(intake), console: RAW },
      resource: { version: `1.${round}` },
      log: { level: "info", format: round % 2 === 0 ? "auto" : "json" },
    });
    const agent = scene.agent(config(0), { onStdout });
    // Files are deleted by the rotation: three generations are kept, about two seconds of log.
    const writer = scene.writer({ files: 2, rate: 200, rotations: 1.5, keep: 3, "rotate-from": "signal" });
    await eventually("both files", agent, () => account.files === 2 && stdout.files === 2);
    writer.startRotating();
    rewrite(scene, config(1));
    await reload(agent);
    const atFirst = openDescriptors(agent, scene).length;
    for (let round = 2; round <= 20; round += 1) {
      rewrite(scene, config(round));
      await reload(agent);
      await pause(150);
    }
    const rival = scene.run(["run", "-c", join(scene.dir, "tailcar.yaml"), "--once"]);
    expect((await rival.waitExit(60_000)).code).toBe(1);
    const written = await writer.stop();
    await eventually("all lines", agent, () => [account, stdout].every((each) => each.isComplete(written)));
    expect([account.duplicates, stdout.duplicates]).toEqual([0, 0]);
    // Connections come and go.
    expect(openDescriptors(agent, scene).length).toBeLessThan(atFirst + 4);
    expect(agent.stderr).not.toMatch(/Warning/);
    expect((await agent.terminate()).code).toBe(0);
  });

  test("waits for an answer that is under way, so that nothing is sent twice", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    datadog.respond = () => ({ delayMs: 1_500 });
    const sinks = { datadog: datadogSink(datadog) };
    scene.write("app.log", "one\ntwo\n");
    const agent = scene.agent({ sinks });
    await eventually("the request", agent, () => datadog.unanswered.size > 0);
    datadog.respond = () => undefined;
    rewrite(scene, { sinks, resource: { version: "2" } });
    await reload(agent);
    scene.write("app.log", "three\n");
    await eventually("the last line", agent, () => messages(datadog).includes("three"));
    expect(messages(datadog)).toEqual(["one", "two", "three"]);
  });

  test("keeps what only an open descriptor holds: a deleted file that a dead sink has yet to get", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    const splunk = await scene.splunk();
    splunk.respond = () => ({ status: 503 });
    const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk) };
    scene.write("app.log", "one\ntwo\n");
    const agent = scene.agent({ sinks });
    await eventually("the refusal", agent, () => datadog.indexed === 2 && splunk.requests > 0);
    unlinkSync(join(scene.logs, "app.log"));
    await eventually("the deletion", agent, () => happened(agent, "file.deleted") === 1);
    for (const version of ["1", "2"]) {
      rewrite(scene, { sinks, resource: { version } });
      await reload(agent);
    }
    splunk.respond = () => undefined;
    await eventually("both lines", agent, () => splunk.indexed === 2);
    expect([happened(agent, "data.lost"), datadog.indexed]).toEqual([0, 2]);
    expect((await agent.terminate()).code).toBe(0);
  });
});

test("an unfinished last line is not sent by a reload, but whole when it is completed", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  scene.write("app.log", "one\nunfini");
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) } });
  await eventually("the whole line", agent, () => datadog.indexed === 1);
  rewrite(scene, { sinks: { datadog: datadogSink(datadog) }, resource: { env: "test" } });
  await reload(agent);
  scene.write("app.log", "shed\n");
  await eventually("the completed line", agent, () => datadog.indexed === 2);
  expect(messages(datadog)).toEqual(["one", "unfinished"]);
});

test("a new sink leaves out what was there with startAt end; one that was there before misses nothing", async () => {
  const scene = new Scene();
  const [first, second] = [await scene.datadog(), await scene.datadog()];
  const sources = { app: { include: [join(scene.logs, "*.log")], startAt: "end" } };
  const agent = scene.agent({ sources, sinks: { first: datadogSink(first) } });
  await eventually("the start", agent, () => happened(agent, "files.none") === 1);
  scene.write("app.log", "before the reload\n");
  await eventually("the first line", agent, () => first.indexed === 1);
  rewrite(scene, { sources, sinks: { first: datadogSink(first), second: datadogSink(second) } });
  await reload(agent);
  await eventually("the second start", agent, () => happened(agent, "file.found") === 2);
  scene.write("app.log", "after it\n");
  await eventually("the last line", agent, () => first.indexed === 2 && second.indexed === 1);
  expect([messages(first), messages(second)]).toEqual([["before the reload", "after it"], ["after it"]]);
});

test("an invalid file changes nothing and says why and where; once mended it is taken up without a signal", async () => {
  const scene = new Scene();
  const [old, mended] = [await scene.datadog(), await scene.datadog()];
  const agent = scene.agent({ sinks: { datadog: datadogSink(old) } });
  scene.write("app.log", "one\n");
  await eventually("the first line", agent, () => old.indexed === 1);
  const path = join(scene.dir, "tailcar.yaml");
  writeFileSync(path, "sources:\n  app: {include: [/nowhere/*.log]}\nsinks: {datadog: {type: datadogg}}\n");
  await reload(agent, "config.invalid");
  const told = agent.log().find(({ line }) => line.includes("config.invalid"));
  expect([told?.level, told?.message]).toEqual(["error", expect.stringMatching(/tailcar\.yaml:3:\d+: sinks\.datadog/)]);
  scene.write("app.log", "two\n");
  await eventually("the second line", agent, () => old.indexed === 2);
  // Told once for each signal, not at each look.
  await pause(2_500);
  expect(happened(agent, "config.invalid")).toBe(1);

  rewrite(scene, { sinks: { datadog: datadogSink(mended) } });
  await eventually("the reload", agent, () => happened(agent, "config.reloaded") === 1);
  scene.write("app.log", "three\n");
  await eventually("the third line", agent, () => mended.indexed === 1);
  expect([messages(old), messages(mended)]).toEqual([["one", "two"], ["three"]]);
  expect((await agent.terminate()).code).toBe(0);
});

test("a file that means the same changes nothing", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) } });
  await eventually("the start", agent, () => happened(agent, "files.none") === 1);
  await reload(agent, "config.unchanged");
  writeFileSync(join(scene.dir, "tailcar.yaml"), "# a comment\n", { flag: "a" });
  await eventually("the look", agent, () => happened(agent, "config.unchanged") === 2);
  expect([happened(agent, "config.reloaded"), happened(agent, "agent.state")]).toEqual([0, 1]);
});

test("a secret that was replaced in its file is a change", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  writeFileSync(join(scene.dir, "key"), "datadog-test-key");
  const sinks = { datadog: datadogSink(datadog, { apiKey: `\${file:${join(scene.dir, "key")}}` }) };
  const agent = scene.agent({ sinks });
  await eventually("the start", agent, () => happened(agent, "files.none") === 1);
  writeFileSync(join(scene.dir, "key"), "another-key");
  await reload(agent);
  expect([happened(agent, "config.reloaded"), agent.stderr.includes("another-key")]).toEqual([1, false]);
});

test("a ConfigMap that is switched by its link is taken up without a signal", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const volume = join(scene.dir, "volume");
  const put = (name: string, env: string): void => {
    mkdirSync(join(volume, name), { recursive: true });
    const sources = { app: { include: [join(scene.logs, "*.log")] } };
    const sinks = { datadog: datadogSink(datadog) };
    const shutdown = { quietPeriod: "250ms" };
    const config = { stateDir: scene.state, sources, sinks, shutdown, resource: { env } };
    writeConfig(join(volume, name, "tailcar.yaml"), config);
    symlinkSync(name, join(volume, "..data_tmp"));
    renameSync(join(volume, "..data_tmp"), join(volume, "..data"));
  };
  put("..1", "first");
  symlinkSync("..data/tailcar.yaml", join(volume, "tailcar.yaml"));
  const agent = scene.run(["run", "-c", join(volume, "tailcar.yaml")]);
  scene.write("app.log", "one\n");
  await eventually("the first line", agent, () => datadog.indexed === 1);
  put("..2", "second");
  rmSync(join(volume, "..1"), { recursive: true });
  await eventually("the reload", agent, () => happened(agent, "config.reloaded") === 1);
  scene.write("app.log", "two\n");
  await eventually("the second line", agent, () => datadog.indexed === 2);
  expect(datadog.items.map(({ ddtags }) => ddtags)).toEqual(["env:first", "env:second"]);
});

describe("another stateDir", () => {
  test("is said clearly; everything begins there by startAt, and the directory before is free", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    const sinks = { datadog: datadogSink(datadog) };
    scene.write("app.log", "one\n");
    const agent = scene.agent({ sinks });
    await eventually("the line", agent, () => datadog.indexed === 1);
    rewrite(scene, { sinks, stateDir: join(scene.dir, "elsewhere") });
    await reload(agent);
    await eventually("the line again", agent, () => datadog.indexed === 2);
    expect(agent.log().filter(({ line }) => line.includes("config.stateDirChanged"))).toMatchObject([
      { level: "warn", message: expect.stringContaining("elsewhere") },
    ]);
    // Not in the file that the agent follows: it would go back before the other has begun.
    const path = join(scene.dir, "other.yaml");
    writeConfig(path, { stateDir: scene.state, sources: { app: { include: [join(scene.logs, "*.log")] } }, sinks });
    const other = scene.run(["run", "-c", path, "--once"]);
    expect((await other.waitExit(60_000)).code).toBe(0);
    expect(datadog.indexed).toBe(2);
  });

  test("that another agent holds is refused, and the old configuration goes on", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    const sinks = { datadog: datadogSink(datadog) };
    const taken = join(scene.dir, "taken");
    const other = scene.agent({ sinks: { console: RAW }, stateDir: taken });
    await eventually("the other agent", other, () => happened(other, "files.none") === 1);
    const path = join(scene.dir, "own.yaml");
    const sources = { app: { include: [join(scene.logs, "*.log")] } };
    const config = { sources, sinks, shutdown: { quietPeriod: "250ms" } };
    writeConfig(path, { ...config, stateDir: scene.state });
    const agent = scene.run(["run", "-c", path]);
    scene.write("app.log", "one\n");
    await eventually("the line", agent, () => datadog.indexed === 1);
    writeConfig(path, { ...config, stateDir: taken });
    await reload(agent, "config.invalid");
    scene.write("app.log", "two\n");
    await eventually("the next line", agent, () => datadog.indexed === 2);
    expect(messages(datadog)).toEqual(["one", "two"]);
    expect((await agent.terminate()).code).toBe(0);
  });
});

test("SIGTERM in the middle of a reload, with a sink that hangs, still ends in order", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const splunk = await scene.splunk();
  splunk.respond = () => ({ instead: "hang" });
  const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk) };
  const agent = scene.agent({ sinks });
  scene.write("app.log", "one\n");
  await eventually("the hanging request", agent, () => splunk.unanswered.size > 0 && datadog.indexed === 1);
  rewrite(scene, { sinks, resource: { env: "test" }, shutdown: { timeout: "4s", quietPeriod: "250ms" } });
  agent.signal("SIGHUP");
  await eventually("the hand-over", agent, () => agent.stderr.includes("handing over"));
  scene.write("app.log", "two\n");
  const { code, tookMs } = await agent.terminate();
  expect([code, messages(datadog)]).toEqual([75, ["one", "two"]]);
  expect(tookMs).toBeLessThan(5_000);
});

describe("--on-config-error=wait", () => {
  const WAIT = "--on-config-error=wait";

  test("an invalid file is told and waited for; the agent starts when it is valid", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    scene.write("app.log", "one\n");
    const agent = scene.agent({ sinks: { datadog: { type: "datadogg" } } }, { args: [WAIT] });
    await eventually("the problem", agent, () => happened(agent, "config.invalid") === 1);
    expect(agent.log()[0]?.message).toMatch(/tailcar\.yaml:\d+:\d+: sinks\.datadog/);
    rewrite(scene, { sinks: { datadog: datadogSink(datadog) } });
    agent.signal("SIGHUP");
    await eventually("the line", agent, () => datadog.indexed === 1);
    expect((await agent.terminate()).code).toBe(0);
  });

  test("a file and a secret that are not there yet are waited for", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    scene.write("app.log", "one\n");
    const agent = scene.run(["run", "-c", join(scene.dir, "tailcar.yaml"), WAIT]);
    await eventually("the problem", agent, () => happened(agent, "config.invalid") === 1);
    const key = join(scene.dir, "key");
    rewrite(scene, { sinks: { datadog: datadogSink(datadog, { apiKey: `\${file:${key}}` }) } });
    await eventually("the next problem", agent, () => agent.stderr.includes("cannot read the file"));
    writeFileSync(key, "datadog-test-key");
    await eventually("the line", agent, () => datadog.indexed === 1);
    expect(messages(datadog)).toEqual(["one"]);
  });

  test("SIGTERM meanwhile exits with 0 at once", async () => {
    const scene = new Scene();
    const agent = scene.agent({ sinks: { console: { type: "stdot" } } }, { args: [WAIT] });
    await eventually("the problem", agent, () => happened(agent, "config.invalid") === 1);
    const { code, tookMs } = await agent.terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(1_000);
  });

  test.each([[["--once", "-c", "/no/such.yaml"]], [["--include", "/l/*.log", "--sink", "stdout"]]])(
    "%s has nothing to wait for, and is wrong usage",
    async (args) => {
      const agent = new Scene().run(["run", WAIT, ...args]);
      expect((await agent.waitExit(60_000)).code).toBe(2);
    },
  );
});
