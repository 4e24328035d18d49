import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { AgentStatus } from "../../src/telemetry/status.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import { parseMetrics, valueOf } from "../support/metrics.ts";
import { until } from "../support/poll.ts";
import { TestClock } from "../core/test-clock.ts";
import { agentStatus, failing, sinkStatus } from "./status.ts";

/** Telemetry that listens on a free port, beside an agent whose status is the test's. */
class Scene {
  readonly events: AgentEvent[] = [];
  readonly clock = new TestClock();
  readonly telemetry: Telemetry;
  asked = 0;
  status: AgentStatus | undefined;

  constructor(clock: ConstructorParameters<typeof Telemetry>[0]["clock"] = this.clock) {
    this.telemetry = new Telemetry({
      clock,
      version: "1.2.3",
      file: "t.yaml",
      emit: (event) => {
        this.events.push(event);
        this.telemetry.observe(event);
      },
      droppedLogLines: () => 7,
    });
    onTestFinished(() => this.telemetry.close());
  }

  static async listening(status?: AgentStatus): Promise<Scene> {
    const scene = new Scene();
    if (status !== undefined) scene.has(status);
    await scene.telemetry.listen("127.0.0.1:0");
    return scene;
  }

  has(status: AgentStatus): void {
    this.status = status;
    this.telemetry.watch(() => {
      this.asked += 1;
      return this.status ?? status;
    });
  }

  get address(): string {
    const last = this.events.findLast(({ kind }) => kind === "server.listening");
    if (last?.kind !== "server.listening") throw new Error("does not listen");
    return last.address;
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://${this.address}${path}`, init);
  }

  async samples() {
    return parseMetrics(await (await this.get("/metrics")).text());
  }
}

describe("the server", () => {
  test.each([
    ["/metrics", 200],
    ["/livez", 200],
    ["/healthz", 200],
    ["/readyz?verbose=1", 200],
    ["/status", 200],
    ["/", 404],
    ["/constructor", 404],
    ["//status", 404],
  ])("answers %s with %i", async (path, status) => {
    const scene = await Scene.listening(agentStatus());
    expect((await scene.get(path)).status).toBe(status);
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("does not take %s", async (method) => {
    const scene = await Scene.listening(agentStatus());
    const response = await scene.get("/metrics", { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("answers HEAD with the length and nothing else", async () => {
    const scene = await Scene.listening(agentStatus());
    const response = await scene.get("/status", { method: "HEAD" });
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(100);
    expect(await response.text()).toBe("");
  });

  test("asks the agent once, however many ask the server", async () => {
    const scene = await Scene.listening(agentStatus());
    await Promise.all(Array.from({ length: 20 }, async () => (await scene.get("/metrics")).text()));
    expect(scene.asked).toBe(1);
    await scene.clock.advance(600);
    await scene.get("/metrics");
    expect(scene.asked).toBe(2);
  });

  test("refuses connections over its bound, and goes on with those that it has", async () => {
    const scene = await Scene.listening(agentStatus());
    const { port } = new URL(`http://${scene.address}`);
    let refused = 0;
    const sockets = Array.from({ length: 40 }, () => connect(Number(port), "127.0.0.1"));
    for (const socket of sockets) {
      socket.on("error", () => undefined);
      socket.on("close", () => (refused += 1));
      socket.write("GET /livez HTTP/1.1\r\n");
    }
    await until("the rest to be refused", () => refused === 8);
    sockets[0]?.destroy();
    const isFree = async (): Promise<boolean> => (await scene.get("/livez").catch(() => undefined))?.status === 200;
    expect(await until("a place to be free", isFree)).toBe(true);
    for (const socket of sockets) socket.destroy();
  });

  test("tells of a bug to who asked, and goes on", async () => {
    const scene = new Scene();
    scene.telemetry.watch(() => {
      throw new Error("off by one");
    });
    await scene.telemetry.listen("127.0.0.1:0");
    const response = await scene.get("/status");
    expect([response.status, await response.text()]).toEqual([500, expect.stringContaining("off by one")]);
    scene.has(agentStatus());
    await scene.clock.advance(600);
    expect((await scene.get("/status")).status).toBe(200);
  });

  test("refuses large headers", async () => {
    const scene = await Scene.listening(agentStatus());
    expect((await scene.get("/livez", { headers: { "x-large": "a".repeat(10_000) } })).status).toBe(431);
  });

  test("tells that its port is in use, and takes it when it is free", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    // oxlint-disable-next-line no-unsafe-type-assertion -- what it is once a TCP server listens
    const { port } = other.address() as AddressInfo;
    const scene = new Scene();
    await scene.telemetry.listen(`127.0.0.1:${port}`);
    expect(scene.events).toEqual([
      { kind: "server.failed", address: `127.0.0.1:${port}`, reason: expect.stringContaining("EADDRINUSE") },
    ]);
    await scene.clock.advance(10_000);
    await new Promise((resolve) => other.close(resolve));
    await scene.clock.advance(10_000);
    await until("it to listen", () => scene.events.length === 2);
    expect((await scene.get("/livez")).status).toBe(200);
  });

  test("moves, ends and begins anew with the configuration, and its counters go on", async () => {
    const scene = await Scene.listening(agentStatus());
    const first = scene.address;
    scene.telemetry.observe({ kind: "watch.failed", reason: "ENOSPC" });
    await scene.telemetry.listen(undefined);
    await expect(fetch(`http://${first}/livez`)).rejects.toThrow("fetch failed");
    await scene.telemetry.listen("localhost:0");
    expect(valueOf(await scene.samples(), "tailcar_events_total", { event: "watch.failed" })).toBe(1);
  });

  test("is not loaded when nobody wants it", async () => {
    const scene = new Scene(systemClock);
    await scene.telemetry.listen(undefined);
    scene.telemetry.observe({ kind: "stdin.resumed" });
    scene.telemetry.attempted({ sink: "datadog", outcome: "retry", tookMs: 1, records: 1, bytes: 1 });
    expect(scene.events).toEqual([]);
  });
});

describe("readiness", () => {
  test.each<[string, AgentStatus | undefined, readonly string[]]>([
    ["while it runs", agentStatus(), []],
    ["before there is an agent", undefined, ["starting"]],
    ["while it starts", agentStatus({ state: "starting" }), ["starting"]],
    ["while it drains", agentStatus({ state: "draining" }), ["draining"]],
    [
      "while checkpoints are not durable",
      agentStatus({ checkpoints: { failure: "EROFS: read-only file system", failures: 1, bytes: 0 } }),
      ["checkpoints are not durable: EROFS: read-only file system"],
    ],
    ["while a sink is down", agentStatus({ sinks: [sinkStatus({ gate: failing("HTTP 503") })] }), []],
  ])("%s", async (_when, status, reasons) => {
    const scene = await Scene.listening(status);
    const response = await scene.get("/readyz");
    expect(response.status).toBe(reasons.length === 0 ? 200 : 503);
    expect(await response.json()).toEqual({ ready: reasons.length === 0, reasons });
  });

  test("says what is wrong with the configuration while there is none that is valid", async () => {
    const scene = await Scene.listening();
    scene.telemetry.observe({ kind: "config.invalid", file: "t.yaml", problems: ["t.yaml:1:2: no"], consequence: "" });
    expect(await (await scene.get("/readyz")).json()).toEqual({
      ready: false,
      reasons: ["the configuration is invalid: t.yaml:1:2: no"],
    });
    expect((await scene.get("/livez")).status).toBe(200);
  });
});

test("what stands still is not live", async () => {
  const scene = await Scene.listening(agentStatus({ lookedAtMs: 0 }));
  await scene.clock.advance(400_000);
  const response = await scene.get("/livez");
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ live: false, stalled: [expect.stringContaining("looked at")] });
});

describe("the status", () => {
  test("a sink that is tried at this moment has no next attempt", async () => {
    const sinks = [
      sinkStatus({ name: "waits", gate: failing("HTTP 503") }),
      sinkStatus({ name: "tries", gate: failing("HTTP 503", "retry", "probing") }),
    ];
    const scene = await Scene.listening(agentStatus({ sinks }));
    const text = await (await scene.get("/status")).text();
    expect(text.match(/nextAttempt|"state": "(?:open|probing)"/g)).toEqual([
      '"state": "open"',
      "nextAttempt",
      '"state": "probing"',
    ]);
  });

  test("says of each sink why and since when it fails, without what the receiver answered", async () => {
    const gate = failing('the endpoint is wrong: HTTP 404: {"echo":"password=hunter2"}', "blocked");
    const scene = await Scene.listening(agentStatus({ sinks: [sinkStatus({ gate, account: { pendingBytes: 9 } })] }));
    const text = await (await scene.get("/status")).text();
    expect(text).not.toContain("hunter2");
    expect(JSON.parse(text)).toMatchObject({
      sinks: [
        {
          name: "datadog",
          pendingBytes: 9,
          gate: {
            state: "open",
            blocked: true,
            reason: "the endpoint is wrong: HTTP 404",
            since: new Date(scene.clock.now() - scene.clock.elapsed() + 1_000).toISOString(),
          },
        },
      ],
    });
  });

  test("lists the first paths with something wrong, and how many there are", async () => {
    const problems = Array.from({ length: 1_000 }, (_, index) => {
      return [`/l/${index}.log`, { kind: "file.unreadable", reason: "EACCES" }] as const;
    });
    const { files } = agentStatus();
    const scene = await Scene.listening(agentStatus({ files: { ...files, problems } }));
    const first = problems.slice(0, 100).map(([path, { kind, reason }]) => ({ path, event: kind, reason }));
    expect(await (await scene.get("/status")).json()).toMatchObject({ files: { problems: { count: 1_000, first } } });
    const samples = await scene.samples();
    expect(valueOf(samples, "tailcar_path_problems", { problem: "file.unreadable" })).toBe(1_000);
  });

  test("has the problems of the configuration until it is taken up", async () => {
    const scene = await Scene.listening(agentStatus());
    const status = async (): Promise<unknown> => (await scene.get("/status")).json();
    scene.telemetry.observe({ kind: "config.invalid", file: "t.yaml", problems: ["t.yaml:1:2: no"], consequence: "" });
    expect(await status()).toMatchObject({ config: { file: "t.yaml", problems: ["t.yaml:1:2: no"] } });
    scene.telemetry.observe({ kind: "config.reloaded", file: "t.yaml" });
    await scene.clock.advance(600);
    expect(await status()).toMatchObject({ config: { problems: [] } });
    expect(valueOf(await scene.samples(), "tailcar_config_invalid")).toBe(0);
  });
});

describe("metrics", () => {
  test("count events from 0 on, those of sinks by their name", async () => {
    const scene = await Scene.listening(agentStatus());
    const of = async (event: string): Promise<number | undefined> => {
      await scene.clock.advance(600);
      return valueOf(await scene.samples(), "tailcar_events_total", { event });
    };
    expect([await of("file.ambiguous"), await of("data.lost")]).toEqual([0, 0]);
    scene.telemetry.observe({ kind: "file.ambiguous", path: "/l/a", chosen: "/l/b", others: [] });
    const loss = { sink: "datadog", file: 1, path: "/l/a", from: 0, to: 1, reason: "gone", at: 0 };
    scene.telemetry.observe({ kind: "data.lost", loss });
    expect([await of("file.ambiguous"), await of("data.lost")]).toEqual([1, 1]);
  });

  test("count requests by their outcome, and measure those that were taken", async () => {
    const scene = await Scene.listening(agentStatus());
    const size = { records: 20, bytes: 2_000 };
    scene.telemetry.attempted({ sink: "datadog", outcome: "delivered", tookMs: 20, ...size });
    scene.telemetry.attempted({ sink: "datadog", outcome: "retry", tookMs: 40, ...size });
    scene.telemetry.split("datadog");
    const samples = await scene.samples();
    const of = (name: string, labels = {}) => valueOf(samples, `tailcar_sink_${name}`, labels);
    expect(of("requests_total", { outcome: "delivered" })).toBe(1);
    expect(of("requests_total", { outcome: "retry" })).toBe(1);
    expect(of("requests_total", { outcome: "blocked" })).toBe(0);
    expect(of("request_duration_seconds_count")).toBe(2);
    expect(of("request_duration_seconds_sum")).toBeCloseTo(0.06);
    expect(of("request_records_sum")).toBe(20);
    expect(of("request_bytes_bucket", { le: "1000" })).toBe(0);
    expect(of("request_bytes_bucket", { le: "10000" })).toBe(1);
    expect(of("split_records_total")).toBe(1);
  });

  test("show gates as state, age and alarm", async () => {
    const sinks = [
      sinkStatus({ name: "well", succeededAtMs: 500 }),
      sinkStatus({ name: "down", gate: failing("HTTP 503") }),
      sinkStatus({ name: "refused", gate: failing("HTTP 401", "blocked") }),
    ];
    const scene = await Scene.listening(agentStatus({ sinks }));
    await scene.clock.advance(11_000);
    const nowMs = scene.clock.elapsed();
    const samples = await scene.samples();
    const of = (name: string, labels = {}) => valueOf(samples, `tailcar_sink_${name}`, labels);
    expect(of("gate", { sink: "well", state: "closed" })).toBe(1);
    expect(of("gate", { sink: "down", state: "closed" })).toBe(0);
    expect(of("gate", { sink: "down", state: "open" })).toBe(1);
    expect(of("failing_seconds", { sink: "well" })).toBe(0);
    expect(of("failing_seconds", { sink: "down" })).toBeCloseTo((nowMs - 1_000) / 1_000);
    expect(of("blocked", { sink: "down" })).toBe(0);
    expect(of("blocked", { sink: "refused" })).toBe(1);
    const succeeded = (scene.clock.now() - nowMs + 500) / 1_000;
    expect(of("last_success_timestamp_seconds", { sink: "well" })).toBeCloseTo(succeeded);
    expect(of("last_success_timestamp_seconds", { sink: "down" })).toBeUndefined();
  });

  test("count on from one agent to the next, though nobody asked for those of the first", async () => {
    const scene = await Scene.listening();
    scene.has(agentStatus());
    scene.has(agentStatus({ sinks: [sinkStatus({ account: { deliveredBytes: 5 }, before: { deliveredBytes: 3 } })] }));
    expect(valueOf(await scene.samples(), "tailcar_sink_delivered_bytes_total")).toBe(5);
  });

  test("are in the text format of Prometheus", async () => {
    const scene = await Scene.listening(agentStatus());
    const response = await scene.get("/metrics", { headers: { accept: "application/openmetrics-text" } });
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toContain("# TYPE tailcar_events_total counter\n");
  });

  test("tell what was dropped of the own log", async () => {
    const scene = await Scene.listening(agentStatus());
    expect(valueOf(await scene.samples(), "tailcar_log_dropped_lines_total")).toBe(7);
  });
});
