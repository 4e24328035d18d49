import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { NODE, PROJECT, writeConfig, type AgentProcess } from "../support/agent-process.ts";
import type { DatadogIntake } from "../support/datadog-intake.ts";
import { BreakableDisk } from "../support/breakable-disk.ts";
import { until } from "../support/poll.ts";
import { datadogSink, eventually, Scene } from "../support/scene.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { TelemetryClient } from "../support/telemetry.ts";

const messagesOf = (datadog: DatadogIntake): readonly string[] => datadog.items.map(({ message }) => message);

const eventsIn = (agent: AgentProcess, kind: string): number => agent.stderr.split(`"event":"${kind}"`).length - 1;

const checkpoints = { interval: "50ms" };

describe("a state directory that", () => {
  test.for(["is read-only", "is full"])(
    "%s from the start: it ships, says so once, and recovers by itself",
    async (how, context) => {
      const scene = new Scene();
      const disk = SmallDisk.mount(scene.state, 64, context);
      if (how === "is read-only") disk.setReadOnly(true);
      else disk.fill();
      const datadog = await scene.datadog();
      scene.write("app.log", "one\n");
      const config = { sinks: { datadog: datadogSink(datadog) }, checkpoints };
      const agent = scene.agent(config);
      await eventually("the first line", agent, () => datadog.indexed === 1);
      scene.write("app.log", "two\n");
      await eventually("the second line", agent, () => datadog.indexed === 2);
      await eventually("the alarm", agent, () => eventsIn(agent, "checkpoint.failed") === 1);
      if (how === "is read-only") disk.setReadOnly(false);
      else disk.empty();
      scene.write("app.log", "three\n");
      await eventually("the recovery", agent, () => eventsIn(agent, "checkpoint.restored") === 1);
      await eventually("the third line", agent, () => datadog.indexed === 3);
      await agent.kill9();
      const next = scene.agent(config);
      scene.write("app.log", "four\n");
      await eventually("the fourth line", next, () => messagesOf(datadog).includes("four"));
      expect((await next.terminate()).code).toBe(0);
      // What was durable at the kill was not sent again.
      expect(messagesOf(datadog).filter((line) => line === "one" || line === "two")).toEqual(["one", "two"]);
      expect(eventsIn(agent, "checkpoint.failed")).toBe(1);
    },
  );

  test("turns read-only under the running agent: it ships, is not ready, and recovers on a disk in its place", async (context) => {
    const scene = new Scene();
    const disk = BreakableDisk.mount(scene.state, join(scene.dir, "disk.img"), context);
    const datadog = await scene.datadog();
    scene.write("app.log", "one\n");
    const config = { sinks: { datadog: datadogSink(datadog) }, checkpoints };
    const agent = scene.agent(config, { args: ["--listen", "127.0.0.1:0"] });
    const telemetry = await TelemetryClient.of(agent);
    await eventually("the first line", agent, () => datadog.indexed === 1);
    await telemetry.answers("/readyz", 200);
    disk.break();
    for (const [index, line] of ["two", "three"].entries()) {
      scene.write("app.log", `${line}\n`);
      await eventually(line, agent, () => datadog.indexed === index + 2);
      expect(await telemetry.answers("/readyz", 503)).toMatchObject({
        reasons: [expect.stringMatching(/^checkpoints are not durable: .*EROFS/)],
      });
    }
    expect([eventsIn(agent, "checkpoint.failed"), eventsIn(agent, "checkpoint.restored")]).toEqual([1, 0]);
    disk.replace();
    await telemetry.answers("/readyz", 200);
    expect([eventsIn(agent, "checkpoint.failed"), eventsIn(agent, "checkpoint.restored")]).toEqual([1, 1]);
    await agent.kill9();
    scene.write("app.log", "four\n");
    const next = scene.agent(config);
    await eventually("the fourth line", next, () => messagesOf(datadog).includes("four"));
    expect((await next.terminate()).code).toBe(0);
    expect(messagesOf(datadog)).toEqual(["one", "two", "three", "four"]);
  });

  test("fills up while a record is refused: nothing passes it until it can be kept", async (context) => {
    const scene = new Scene();
    const disk = SmallDisk.mount(scene.state, 1_024, context);
    const splunk = await scene.splunk({ isPoison: ({ event }) => event === "poison" });
    const sink = { type: "splunkHec", endpoint: splunk.endpoint, token: "11111111-2222-3333-4444-555555555555" };
    const agent = scene.agent({ sinks: { splunk: sink }, checkpoints });
    scene.write("app.log", "one\n");
    await eventually("the first line", agent, () => splunk.indexed === 1);
    disk.fill();
    scene.write("app.log", "poison\ntwo\n");
    await eventually("the store is stuck", agent, () => eventsIn(agent, "sink.deadLettersStuck") === 1);
    disk.empty();
    const letters = join(scene.state, "dead-letters", "splunk");
    await eventually("the letter is kept", agent, () => {
      try {
        return readdirSync(letters).some((name) => readFileSync(join(letters, name), "utf8").includes('"poison"'));
      } catch {
        return false;
      }
    });
    expect((await agent.terminate()).code).toBe(0);
    expect(splunk.events.map(({ event }) => event)).toEqual(["one", "two"]);
  });
});

test("a file that standard output leads to, on a disk that is full: what was cut short comes whole when there is room", async (context) => {
  const scene = new Scene();
  const disk = SmallDisk.mount(join(scene.dir, "disk"), 64, context);
  const out = join(disk.directory, "out");
  const sink = { type: "stdout", format: "raw", batch: { maxRecords: 50 } };
  const lines = Array.from({ length: 250 }, (_, n) => `line ${n} ${"x".repeat(400 + n)}`);
  scene.write("app.log", `${lines.join("\n")}\n`);
  const wrapper = ["bash", "-c", 'out=$1; shift; exec "$@" >>"$out"', "bash", out];
  const agent = scene.agent({ sinks: { console: sink }, checkpoints }, { wrapper });
  await eventually("the alarm", agent, () => /"event":"sink.failing".*ENOSPC/.test(agent.stderr));
  disk.resize(1_024);
  const written = (): readonly string[] => readFileSync(out, "utf8").split("\n");
  await eventually("the last line", agent, () => written().includes(lines.at(-1) ?? ""));
  expect(lines.filter((line) => !written().includes(line))).toEqual([]);
  expect((await agent.terminate()).code).toBe(0);
  expect(agent.stderr).toContain("balanced");
});

test("with few descriptors every one of 120 files is shipped, and the agent stays up", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const names = Array.from({ length: 120 }, (_, n) => `app-${n}`);
  for (const name of names) scene.write(`${name}.log`, `first of ${name}\n`);
  const path = join(scene.dir, "tailcar.yaml");
  writeConfig(path, {
    stateDir: scene.state,
    sources: { app: { include: [join(scene.logs, "*.log")] } },
    sinks: { datadog: datadogSink(datadog) },
    shutdown: { quietPeriod: "250ms" },
  });
  const command = `ulimit -n 100; exec "$0" src/cli.ts run -c "$1"`;
  const child = spawn("bash", ["-c", command, NODE, path], { cwd: PROJECT, stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const all = (part: string) => () => names.every((name) => messagesOf(datadog).includes(`${part} of ${name}`));
  await until("all first lines", all("first"), { timeoutMs: 60_000, detail: () => stderr.slice(-3_000) });
  for (const name of names) scene.write(`${name}.log`, `second of ${name}\n`);
  await until("all second lines", all("second"), { timeoutMs: 60_000, detail: () => stderr.slice(-3_000) });
  expect(child.exitCode).toBeNull();
  expect(datadog.indexed).toBe(240);
});

/** A directory whose path fills the log: each file of it is told when it is found. */
const DEEP = Array.from({ length: 9 }, (_, n) => String(n).repeat(220)).join("/");

/** Runs the agent on a stdout and stderr that are never read. */
async function unread(scene: Scene, command: readonly [string, ...string[]]) {
  const datadog = await scene.datadog();
  const path = join(scene.dir, "tailcar.yaml");
  writeConfig(path, {
    stateDir: scene.state,
    sources: { app: { include: [join(scene.logs, "**/*.log")] } },
    sinks: { datadog: datadogSink(datadog) },
  });
  const [program, ...args] = command;
  const child = spawn(program, [...args, path], { cwd: PROJECT, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
    // On a terminal it is not the child itself, and outlives it.
    const owner: { readonly pid: number } = JSON.parse(readFileSync(join(scene.state, "owner.json"), "utf8"));
    if (existsSync(`/proc/${owner.pid}`)) process.kill(owner.pid, "SIGKILL");
  });
  child.stdout.pause();
  child.stderr.pause();
  return datadog;
}

const SCRIPT = `exec script -qfec "'${NODE}' src/cli.ts run -c '$0'" /dev/null`;

test.each<[string, readonly [string, ...string[]]]>([
  ["a pipe", [NODE, "src/cli.ts", "run", "-c"]],
  // `script` runs the agent on a terminal of its own, and is kept from reading it by its own full output.
  ["a terminal", ["bash", "-c", SCRIPT]],
])("a stderr that nobody reads never stalls shipping: %s", async (_name, command) => {
  const scene = new Scene();
  mkdirSync(join(scene.logs, DEEP), { recursive: true });
  const write = (from: number): void => {
    for (let n = from; n < from + 200; n += 1) scene.write(`${DEEP}/${n}.log`, `line ${n}\n`);
  };
  write(0);
  const datadog = await unread(scene, command);
  await until("the first files", () => new Set(messagesOf(datadog)).size === 200, { timeoutMs: 60_000 });
  write(200);
  await until("the others", () => new Set(messagesOf(datadog)).size === 400, { timeoutMs: 60_000 });
  expect(datadog.violations).toEqual([]);
});
