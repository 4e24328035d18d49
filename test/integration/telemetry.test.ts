import { copyFileSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AgentProcess } from "../support/agent-process.ts";
import { writeConfig } from "../support/agent-process.ts";
import { isObject } from "../support/json-stream.ts";
import { valueOf } from "../support/metrics.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { TelemetryClient } from "../support/telemetry.ts";

const server = { listen: "127.0.0.1:0" };
const down = { status: 503 } as const;

const reloads = (agent: AgentProcess): number => agent.stderr.split('"event":"config.reloaded"').length - 1;

/** The account of a sink that the agent printed at its end. */
function printedAccount(agent: AgentProcess, sink: string): Readonly<Record<string, unknown>> {
  const line = agent.log().find(({ line: text }) => text.includes('"sink.account"') && text.includes(`"${sink}"`));
  const entry: unknown = JSON.parse(line?.line ?? "{}");
  if (!isObject(entry) || !isObject(entry["account"])) throw new Error(`no account of ${sink}`);
  return entry["account"];
}

test("a failing sink shows with its gate, its reason and since when; in the end the metrics are the printed account", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const splunk = await scene.splunk();
  datadog.respond = () => down;
  scene.write("app.log", "one\n\ntwo\ndrop me\n");
  const before = Date.now();
  const agent = scene.agent({
    sinks: { datadog: datadogSink(datadog), splunk: splunkSink(splunk) },
    transforms: [{ drop: { where: { field: "message", matches: "^drop" } } }],
    sources: { app: { include: [join(scene.logs, "*.log")], format: "raw" } },
    server,
  });
  const telemetry = await TelemetryClient.of(agent);
  await telemetry.reaches("tailcar_sink_gate", { sink: "datadog", state: "closed" }, 0);
  await eventually("the healthy sink", agent, () => splunk.indexed === 2);
  await telemetry.reaches("tailcar_sink_account_bytes", { sink: "splunk", part: "pending" }, 0);
  const failing = await telemetry.samples();
  const pending = { sink: "datadog", part: "pending" };
  expect(valueOf(failing, "tailcar_sink_account_bytes", pending)).toBe(17);
  expect(valueOf(failing, "tailcar_sink_failing_seconds", { sink: "datadog" })).toBeGreaterThan(0);
  expect(valueOf(failing, "tailcar_sink_failing_seconds", { sink: "splunk" })).toBe(0);
  expect(valueOf(failing, "tailcar_sink_blocked", { sink: "datadog" })).toBe(0);
  expect(valueOf(failing, "tailcar_sink_requests_total", { sink: "datadog", outcome: "retry" })).toBeGreaterThan(0);
  expect(valueOf(failing, "tailcar_filtered_records_total", { source: "app" })).toBeGreaterThan(0);
  const { body } = await telemetry.json("/status");
  expect(body).toMatchObject({ state: "running", ready: true, sinks: [{ name: "datadog" }, { name: "splunk" }] });
  expect(JSON.stringify(body)).toMatch(/"reason":"HTTP 503","since":"[\d-]+T[\d:.]+Z"/);
  const [, since = ""] = /"since":"([^"]+)"/.exec(JSON.stringify(body)) ?? [];
  expect(Date.parse(since)).toBeGreaterThanOrEqual(before);
  expect((await telemetry.get("/livez")).status).toBe(200);

  datadog.respond = () => undefined;
  await eventually("the recovery", agent, () => datadog.indexed === 2);
  await telemetry.reaches("tailcar_sink_account_bytes", pending, 0);
  const samples = await telemetry.samples();
  expect(valueOf(samples, "tailcar_sink_gate", { sink: "datadog", state: "closed" })).toBe(1);
  expect(valueOf(samples, "tailcar_events_total", { event: "sink.recovered", sink: "datadog" })).toBe(1);
  expect((await agent.terminate()).code).toBe(0);
  for (const sink of ["datadog", "splunk"]) {
    const account = printedAccount(agent, sink);
    for (const part of ["delivered", "filtered", "deadLettered", "lost", "skipped", "pending", "spilled", "abandoned"])
      expect([part, valueOf(samples, "tailcar_sink_account_bytes", { sink, part })]).toEqual([
        part,
        account[`${part}Bytes`],
      ]);
    for (const part of ["delivered", "deadLettered", "spilled", "late", "resent"])
      expect([part, valueOf(samples, "tailcar_sink_account_records", { sink, part })]).toEqual([
        part,
        account[`${part}Records`],
      ]);
    expect(valueOf(samples, "tailcar_sink_delivered_records_total", { sink })).toBe(2);
    expect(valueOf(samples, "tailcar_sink_request_records_sum", { sink })).toBe(2);
  }
});

test("what is wrong with files is counted: refused, held, ambiguous", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  datadog.respond = () => down;
  writeFileSync(join(scene.dir, "outside"), "root:x:0:0\n");
  symlinkSync(join(scene.dir, "outside"), join(scene.logs, "link.log"));
  scene.write("held.log", "seven b");
  scene.write("app.log", "one\ntwo\n");
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) }, server });
  const telemetry = await TelemetryClient.of(agent);
  await telemetry.reaches("tailcar_events_total", { event: "file.refused" }, 1);
  expect(await telemetry.value("tailcar_path_problems", { problem: "file.refused" })).toBe(1);
  const { body } = await telemetry.json("/status");
  const problem = { path: join(scene.logs, "link.log"), event: "file.refused" };
  expect(body).toMatchObject({ files: { problems: { count: 1, first: [problem] } } });
  expect(JSON.stringify(body)).not.toContain("root:x");

  rmSync(join(scene.logs, "held.log"));
  await telemetry.reaches("tailcar_files_held_bytes", {}, 7);
  expect(await telemetry.value("tailcar_files_held")).toBe(1);

  for (const copy of ["app.1", "app.2"]) copyFileSync(join(scene.logs, "app.log"), join(scene.logs, copy));
  truncateSync(join(scene.logs, "app.log"));
  await telemetry.reaches("tailcar_events_total", { event: "file.ambiguous" }, 1);
  datadog.respond = () => undefined;
  expect((await agent.terminate()).code).toBe(0);
});

test("an agent whose checkpoints are not durable ships, is not ready, and is again when the directory is mended", async (context) => {
  const scene = new Scene();
  const disk = SmallDisk.mount(scene.state, 64, context);
  disk.setReadOnly(true);
  const datadog = await scene.datadog();
  const sinks = { datadog: datadogSink(datadog) };
  const agent = scene.agent({ sinks, checkpoints: { interval: "50ms" }, server });
  const telemetry = await TelemetryClient.of(agent);
  scene.write("app.log", "one\n");
  await eventually("the line", agent, () => datadog.indexed === 1);
  const body = await telemetry.answers("/readyz", 503);
  expect(body).toEqual({ ready: false, reasons: [expect.stringMatching(/^checkpoints are not durable: .*EROFS/)] });
  expect(await telemetry.value("tailcar_checkpoints_durable")).toBe(0);
  expect(await telemetry.value("tailcar_checkpoint_failures_total")).toBeGreaterThan(0);
  expect((await telemetry.get("/livez")).status).toBe(200);
  disk.setReadOnly(false);
  await telemetry.answers("/readyz", 200);
  expect(await telemetry.value("tailcar_checkpoints_durable")).toBe(1);
  expect((await agent.terminate()).code).toBe(0);
});

test("a reload moves the server and takes it away, and the counters go on", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const config = { sinks: { datadog: datadogSink(datadog) } };
  const path = join(scene.dir, "tailcar.yaml");
  scene.write("app.log", "one\n");
  const agent = scene.agent({ ...config, server });
  const first = await TelemetryClient.of(agent);
  await eventually("the line", agent, () => datadog.indexed === 1);
  const written = readFileSync(path, "utf8");
  writeFileSync(path, written.replace("127.0.0.1:0", "localhost:0"));
  agent.signal("SIGHUP");
  await eventually("the move", agent, () => reloads(agent) === 1);
  const second = await TelemetryClient.of(agent);
  expect(second.address).not.toBe(first.address);
  await expect(first.get("/livez")).rejects.toThrow("fetch failed");
  await second.reaches("tailcar_agent_state", { state: "running" }, 1);
  expect(await second.value("tailcar_sink_delivered_records_total", { sink: "datadog" })).toBe(1);
  expect(await second.value("tailcar_sink_request_records_sum", { sink: "datadog" })).toBe(1);
  writeFileSync(path, written.replace(/server:\n.*\n/, ""));
  agent.signal("SIGHUP");
  await eventually("the end of it", agent, () => reloads(agent) === 2);
  await expect(second.get("/livez")).rejects.toThrow("fetch failed");
  expect((await agent.terminate()).code).toBe(0);
});

describe("with --listen", () => {
  test("an agent that waits for a valid configuration is alive and not ready, and a bad reload shows in the status", async () => {
    const scene = new Scene();
    const path = join(scene.dir, "tailcar.yaml");
    const valid = {
      stateDir: scene.state,
      sources: { app: { include: [join(scene.logs, "*.log")] } },
      sinks: { console: { type: "stdout" } },
      shutdown: { quietPeriod: "250ms" },
    };
    writeConfig(path, { ...valid, sinkz: {} });
    const agent = scene.run(["run", "-c", path, "--on-config-error=wait", "--listen", "127.0.0.1:0"]);
    const telemetry = await TelemetryClient.of(agent);
    expect(await telemetry.answers("/readyz", 503)).toMatchObject({ reasons: [expect.stringContaining("sinkz")] });
    expect((await telemetry.get("/livez")).status).toBe(200);
    const health = scene.run(["health", `http://${telemetry.address}/readyz`]);
    expect((await health.waitExit(60_000)).code).toBe(1);

    writeConfig(path, valid);
    agent.signal("SIGHUP");
    await telemetry.answers("/readyz", 200);
    expect((await scene.run(["health", `http://${telemetry.address}/livez`]).waitExit(60_000)).code).toBe(0);

    writeConfig(path, { ...valid, sinkz: {} });
    agent.signal("SIGHUP");
    await telemetry.reaches("tailcar_config_invalid", {}, 1);
    const { body } = await telemetry.json("/status");
    expect(body).toMatchObject({ ready: true, config: { file: path, problems: [expect.stringContaining("sinkz")] } });
    expect((await agent.terminate()).code).toBe(0);
  });

  test("a port that is in use keeps nobody from shipping", async () => {
    const scene = new Scene();
    const other = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once("listening", resolve));
    // oxlint-disable-next-line no-unsafe-type-assertion -- what it is once a TCP server listens
    const { port } = other.address() as AddressInfo;
    const datadog = await scene.datadog();
    scene.write("app.log", "one\n");
    const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) }, server: { listen: `127.0.0.1:${port}` } });
    await eventually("the line", agent, () => datadog.indexed === 1);
    expect(agent.stderr).toMatch(/"event":"server\.failed"[^\n]*EADDRINUSE/);
    expect((await agent.terminate()).code).toBe(0);
  });
});
