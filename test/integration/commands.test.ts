import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { CONTAINER_NAMES, FORMAT_NAMES } from "../../src/core/format.ts";
import { sinkDefinitions } from "../../src/sinks/registry.ts";
import { NODE, PROJECT, writeConfig } from "../support/agent-process.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { stdoutRecords } from "../support/stdout-records.ts";

const run = promisify(execFile);

const sinkTypes = sinkDefinitions.map(({ type }) => type);
const FORMATS = [...FORMAT_NAMES, ...CONTAINER_NAMES];

/** All a first user types. */
const args = (scene: Scene): string[] => [
  "run",
  "--include",
  join(scene.logs, "*.log"),
  "--sink",
  "stdout",
  "--state-dir",
  scene.state,
];

describe("run --once", () => {
  test("reads to the end of what is there, a partial last line included, and exits with 0", async () => {
    const scene = new Scene();
    scene.write("a.log", "one\ntwo\n");
    scene.write("b.log", "three\npartial");
    const datadog = await scene.datadog();
    const splunk = await scene.splunk();
    const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk), console: { type: "stdout" } };
    const agent = scene.agent({ sinks }, { args: ["--once"] });
    expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
    const expected = ["one", "partial", "three", "two"];
    expect(datadog.items.map(({ message }) => message).sort()).toEqual(expected);
    expect(splunk.events.map(({ event }) => String(event)).sort()).toEqual(expected);
    expect(
      stdoutRecords(agent.stdout)
        .map(({ message }) => message)
        .sort(),
    ).toEqual(expected);

    const again = scene.agent({ sinks }, { args: ["--once"] });
    expect(await again.waitExit(60_000)).toEqual({ code: 0, signal: null });
    expect([datadog.indexed, splunk.indexed, again.stdout]).toEqual([4, 4, ""]);
  });

  test("with nothing to read it exits with 0", async () => {
    const scene = new Scene();
    const agent = scene.agent({ sinks: { console: { type: "stdout" } } }, { args: ["--once"] });
    expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
    expect(agent.stdout).toBe("");
  });

  test("exits with 1 when it told a loss, and with 0 when it has none left to tell", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    datadog.respond = () => ({ status: 503 });
    const sinks = { datadog: datadogSink(datadog) };
    scene.write("app.log", "never delivered\n");
    const agent = scene.agent({ sinks });
    await eventually("an attempt", agent, () => datadog.requests > 0);
    expect((await agent.terminate()).code).toBe(75);
    rmSync(join(scene.logs, "app.log"));
    const telling = scene.agent({ sinks }, { args: ["--once"] });
    expect((await telling.waitExit(60_000)).code).toBe(1);
    expect(telling.stderr).toContain("data.lost");
    expect((await scene.agent({ sinks }, { args: ["--once"] }).waitExit(60_000)).code).toBe(0);
  });
});

test("a second agent on the same state directory says so on its log and exits with 1; the first one goes on", async () => {
  const scene = new Scene();
  scene.write("app.log", "one\n");
  const first = scene.run(args(scene));
  await eventually("the record", first, () => first.stdout.includes("one"));
  const second = scene.run(args(scene));
  expect(await second.waitExit(60_000)).toEqual({ code: 1, signal: null });
  const refusal = second.log().find(({ level }) => level === "error");
  expect(refusal?.message).toMatch(/in use by another tailcar; give each agent a stateDir of its own/);
  expect(second.stdout).toBe("");
  scene.write("app.log", "two\n");
  await eventually("the next record", first, () => first.stdout.includes("two"));
});

describe("run without a file", () => {
  test("follows the glob and prints to stdout", async () => {
    const scene = new Scene();
    scene.write("app.log", '{"level":"error","msg":"no file needed"}\n');
    const agent = scene.run(args(scene));
    await eventually("the record", agent, () => agent.stdout.includes("no file needed"));
    scene.write("app.log", "next\n");
    await eventually("the next record", agent, () => agent.stdout.includes("next"));
    expect((await agent.terminate()).code).toBe(0);
    expect(stdoutRecords(agent.stdout).map(({ severity, message }) => [severity, message])).toEqual([
      ["ERROR", "no file needed"],
      [undefined, "next"],
    ]);
  });

  test("a hang-up of the terminal stops it as SIGTERM does: what is there is delivered first", async () => {
    const scene = new Scene();
    scene.write("app.log", "one\n");
    const agent = scene.run(args(scene));
    await eventually("the record", agent, () => agent.stdout.includes("one"));
    scene.write("app.log", "the last line");
    agent.signal("SIGHUP");
    expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
    expect(agent.stdout).toContain("the last line");
  });

  test("has threads for at least 4 and each sink, unless it was told another number", async () => {
    const scene = new Scene();
    const threads = async (env: Record<string, string>): Promise<number> => {
      const agent = scene.run(args(scene), { env });
      await eventually("the start", agent, () => agent.stderr.includes("agent.state"));
      const tasks = readdirSync(`/proc/${agent.pid}/task`);
      const names = tasks.map((task) => readFileSync(`/proc/${agent.pid}/task/${task}/comm`, "utf8").trim());
      await agent.terminate();
      return names.filter((name) => name.includes("libuv-worker")).length;
    };
    expect([await threads({}), await threads({ UV_THREADPOOL_SIZE: "6" })]).toEqual([16, 6]);
  });

  test("ends cleanly when the reader of its output has gone", async () => {
    const scene = new Scene();
    await scene.writer({ files: 1, rate: 0, lines: 20_000 }).written;
    const quoted = [NODE, join(PROJECT, "src/cli.ts"), ...args(scene)].map((word) => `'${word}'`).join(" ");
    const pipe = `${quoted} | head -1; echo "exit \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await run("bash", ["-c", pipe], { timeout: 60_000, cwd: scene.dir });
    const [first = "", exit] = stdout.split("\n");
    expect(JSON.parse(first)).toMatchObject({ file: join(scene.logs, "app-0.log"), offset: 0 });
    expect([exit, stderr.includes("    at ")]).toEqual(["exit 0", false]);
  });
});

describe("check", () => {
  test("names all errors at once with line and column and the nearest known name, and exits with 78", async () => {
    const scene = new Scene();
    const path = join(scene.dir, "bad.yaml");
    const lines = [
      "sources:",
      "  app:",
      "    includes: [/var/log/*.log]",
      "sinks:",
      "  datadog: {type: datadog, apiKey: very-secret-value, compresion: gzip}",
      "shutdown: {timeout: 25}",
    ];
    writeFileSync(path, lines.join("\n"));
    const agent = scene.run(["check", "-c", path]);
    expect(await agent.waitExit(60_000)).toEqual({ code: 78, signal: null });
    const said = agent.stdout + agent.stderr;
    for (const place of ["bad.yaml:3:5", "bad.yaml:5:", "bad.yaml:6:"]) expect(said).toContain(place);
    for (const nearest of [/includes[^\n]*include\b/, /compresion[^\n]*compression/]) expect(said).toMatch(nearest);
    expect(said).not.toContain("very-secret-value");
  });

  test("a good file is good", async () => {
    const scene = new Scene();
    const datadog = await scene.datadog();
    scene.write("app.log", "one\n");
    const path = join(scene.dir, "good.yaml");
    const sources = { app: { include: [join(scene.logs, "*.log")] } };
    writeConfig(path, { stateDir: scene.state, sources, sinks: { datadog: datadogSink(datadog) } });
    const agent = scene.run(["check", "-c", path]);
    expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
    expect(datadog.requests).toBe(0);
  });

  test("run refuses the same file with the same code", async () => {
    const scene = new Scene();
    const agent = scene.agent({ sinks: { console: { type: "stdot" } } });
    expect(await agent.waitExit(60_000)).toEqual({ code: 78, signal: null });
    // A container's log is read by a machine.
    const [entry, ...others] = agent.log();
    expect(others).toEqual([]);
    expect(JSON.parse(entry?.line ?? "")).toMatchObject({
      level: "error",
      event: "config.invalid",
      problems: [expect.stringContaining('did you mean "stdout"?')],
    });
  });
});

describe("help", () => {
  test("of run names the values of its flags, and no defaults that say nothing", async () => {
    const { stdout } = await run(NODE, [join(PROJECT, "src/cli.ts"), "run", "--help"], { env: { COLUMNS: "200" } });
    for (const value of [...sinkTypes, ...FORMATS, "beginning, end", "/var/lib/tailcar"]) {
      expect(stdout).toContain(value);
    }
    expect(stdout).not.toMatch(/default: (?:false|\[\])/);
  });

  test.each([[["shp"]], [["run", "--nonsense"]], [["check"]]])(
    "is where an error of usage points to: %s",
    async (args) => {
      const agent = new Scene().run(args);
      expect((await agent.waitExit(60_000)).code).toBe(2);
      expect(agent.stderr).toMatch(/^tailcar: .*\n[\s\S]*--help/);
    },
  );
});

test.each([
  [["run", "--sink", "stdout"], "nothing to read: name files with --include, or --stdin"],
  [["run", "--include", "/tmp/*.log"], "nowhere to ship to: name a sink with --sink"],
  [["run"], "name a configuration file with -c, or what to read (--include, --stdin) and where to ship to (--sink)"],
  [
    ["run", "-c", "x.yaml", "--include", "/tmp/*.log", "--sink", "stdout"],
    "--include, --sink cannot be used with -c: the configuration file says it",
  ],
])("%s says what is missing or too much", async (args, message) => {
  const agent = new Scene().run(args);
  expect(await agent.waitExit(60_000)).toEqual({ code: 2, signal: null });
  expect(agent.stderr).toBe(`tailcar: ${message}\n`);
});

test.each([
  [["--nonsense"], 2],
  [["run", "--nonsense"], 2],
  [["run", "-c", "/does/not/exist.yaml"], 78],
  [["run", "--include", "/tmp/*.log", "--sink", "stdou"], 2],
  [["run", "--include", "/tmp/*.log", "--sink", "stdout", "--sink", "stdout"], 2],
  [["run", "--include", "/tmp/*.log", "--sink", "stdout", "--format", "jason"], 2],
  [["run", "--include", "/tmp/*.log", "--sink", "datadog"], 78],
  [["--help"], 0],
  [["--version"], 0],
])("%s exits with %i", async (args, code) => {
  const agent = new Scene().run(args);
  expect(await agent.waitExit(60_000)).toEqual({ code, signal: null });
});
