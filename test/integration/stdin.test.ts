import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AgentProcess, writeConfig } from "../support/agent-process.ts";
import { datadogSink, eventually, Scene } from "../support/scene.ts";
import { stdoutRecords } from "../support/stdout-records.ts";

const SOURCES = { app: { stdin: true, format: "raw" } };

const directory = (scene: Scene): string => join(scene.state, "stdin");

function segmentBytes(scene: Scene): number {
  if (!existsSync(directory(scene))) return 0;
  return readdirSync(directory(scene)).reduce((sum, name) => {
    return sum + (statSync(join(directory(scene), name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} ${"x".repeat(200)}\n`).join("");

const numbers = (messages: readonly (string | undefined)[]): number[] =>
  messages.map((message) => Number(/^line (\d+)/.exec(message ?? "")?.[1]));

/** A Datadog intake, and an agent that ships stdin to it. */
async function piped(scene: Scene, options: Readonly<Record<string, unknown>> = {}) {
  const datadog = await scene.datadog();
  const sinks = { datadog: datadogSink(datadog, { concurrency: { max: 1 } }) };
  const start = (): AgentProcess => scene.agent({ sources: SOURCES, sinks, ...options }, { pipeStdin: true });
  return { datadog, start };
}

test("stdin is shipped to its end without a configuration file, a last line without its end too, and nothing stays", async () => {
  const scene = new Scene();
  const agent = scene.run(["run", "--stdin", "--sink", "stdout", "--state-dir", scene.state], { pipeStdin: true });
  agent.stdin.write("one\n");
  await eventually("the first line", agent, () => agent.stdout.includes("one"));
  agent.stdin.end("two\nlast");
  expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
  expect(stdoutRecords(agent.stdout).map(({ message }) => message)).toEqual(["one", "two", "last"]);
  expect(readdirSync(directory(scene))).toEqual([]);
});

test("standard input that is a directory is refused, and not taken for an empty one", async () => {
  const scene = new Scene();
  const wrapper = ["sh", "-c", `exec "$@" < "${scene.logs}"`, "sh"];
  const agent = scene.run(["run", "--stdin", "--sink", "stdout", "--state-dir", scene.state], { wrapper });
  expect((await agent.waitExit(60_000)).code).not.toBe(0);
  expect(agent.stderr).toContain("standard input is a directory; pipe the application's output into tailcar");
});

test("what was read from the pipe survives a kill: the next run ships it, once and in order, without its segments", async () => {
  const scene = new Scene();
  const { datadog, start } = await piped(scene, { stdin: { maxBuffered: "1MiB" } });
  datadog.respond = () => ({ status: 503 });
  const agent = start();
  const text = `${lines(0, 4_000)}line 4000 without its end`;
  agent.stdin.write(text);
  await eventually("all of it on the disk", agent, () => segmentBytes(scene) === Buffer.byteLength(text));
  const names = readdirSync(directory(scene));
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) expect(statSync(join(directory(scene), name)).mode & 0o777).toBe(0o600);
  await agent.kill9();
  datadog.respond = () => undefined;
  const next = start();
  next.stdin.end(lines(4_001, 4_010));
  expect((await next.waitExit(60_000)).code).toBe(0);
  expect(numbers(datadog.items.map(({ message }) => message))).toEqual(Array.from({ length: 4_010 }, (_, i) => i));
  expect(readdirSync(directory(scene))).toEqual([]);
});

test("the pipe waits when the sinks have not got what there may be, and goes on when they have", async () => {
  const scene = new Scene();
  const { datadog, start } = await piped(scene, { stdin: { maxBuffered: "1MiB" } });
  datadog.respond = () => ({ status: 503 });
  const agent = start();
  const total = 20_000;
  agent.stdin.end(lines(0, total));
  await eventually("the pipe to wait", agent, () => agent.stderr.includes("stdin.waiting"));
  const bound = 1_024 ** 2 + 65_536;
  expect(segmentBytes(scene)).toBeLessThanOrEqual(bound);
  datadog.respond = () => {
    expect(segmentBytes(scene)).toBeLessThanOrEqual(bound);
    return undefined;
  };
  expect((await agent.waitExit(60_000)).code).toBe(0);
  expect(agent.stderr).toContain("stdin.resumed");
  expect(numbers(datadog.items.map(({ message }) => message))).toEqual(Array.from({ length: total }, (_, i) => i));
});

test("SIGTERM ships what came so far, the beginning of a line too, which is not sent again", async () => {
  const scene = new Scene();
  const { datadog, start } = await piped(scene);
  const agent = start();
  agent.stdin.write("whole\nunfin");
  await eventually("the line", agent, () => datadog.indexed === 1);
  expect((await agent.terminate()).code).toBe(0);
  const next = start();
  next.stdin.end("ished\n");
  expect((await next.waitExit(60_000)).code).toBe(0);
  expect(datadog.items.map(({ message }) => message)).toEqual(["whole", "unfin", "ished"]);
});

test("a new configuration takes over in the midst of a line", async () => {
  const scene = new Scene();
  const { datadog, start } = await piped(scene);
  const agent = start();
  agent.stdin.write("one\ntw");
  await eventually("the first line", agent, () => datadog.indexed === 1);
  const sinks = { datadog: datadogSink(datadog, { tags: ["reloaded:yes"] }) };
  writeConfig(join(scene.dir, "tailcar.yaml"), { stateDir: scene.state, sources: SOURCES, sinks });
  agent.signal("SIGHUP");
  await eventually("the reload", agent, () => agent.stderr.includes("config.reloaded"));
  agent.stdin.end("o\nthree\n");
  expect((await agent.waitExit(60_000)).code).toBe(0);
  expect(datadog.items.map(({ message }) => message)).toEqual(["one", "two", "three"]);
});
