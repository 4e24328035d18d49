import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import type { SinkDefinition } from "../../src/core/sink-definition.ts";
import type { Sink } from "../../src/core/sink.ts";
import { datadog } from "../../src/sinks/datadog/sink.ts";
import { splunkHec } from "../../src/sinks/splunk-hec/sink.ts";
import { DatadogIntake } from "../support/datadog-intake.ts";
import { concatenatedValues, objectMembers } from "../support/json-stream.ts";
import { SplunkIntake } from "../support/splunk-intake.ts";
import { reply, startServer } from "./http/server.ts";
import { bodyOf, createSink, never, record } from "./support.ts";

/*
 * What other shippers expect of their HTTP sinks, as facts of their tests; each case has a test here by its name, or a
 * reason in docs/peers-expectations.md. What the pipeline does (retry, back-off, acknowledgement) is told by the outcome
 * here, and tried whole in test/pipeline and test/faults.
 */
const CASES = fileURLToPath(new URL("../../../shared/cases/sinks_http.json", import.meta.url));
const REASONS = fileURLToPath(new URL("../../docs/peers-expectations.md", import.meta.url));

interface Case {
  readonly id: string;
}

function load(): readonly Case[] {
  const file: { readonly cases: readonly Case[] } = JSON.parse(readFileSync(CASES, "utf8"));
  return file.cases;
}

const cases = existsSync(CASES) ? load() : [];
const TOKEN = "11111111-2222-3333-4444-555555555555";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function sinkOf(definition: SinkDefinition, options: Readonly<Record<string, unknown>>): Sink {
  const sink = createSink(definition, { ...options });
  cleanups.push(() => sink.close());
  return sink;
}

const splunkTo = (endpoint: string, options: Readonly<Record<string, unknown>> = {}): Sink =>
  sinkOf(splunkHec, { token: TOKEN, endpoint, ...options });
const datadogTo = (endpoint: string, options: Readonly<Record<string, unknown>> = {}): Sink =>
  sinkOf(datadog, { apiKey: "datadog-key", endpoint, ...options });

async function listen<Intake extends SplunkIntake | DatadogIntake>(intake: Intake): Promise<Intake> {
  await intake.listen();
  cleanups.push(() => intake.close());
  return intake;
}

const send = (sink: Sink, ...lines: string[]) =>
  sink.send(
    bodyOf(
      sink,
      lines.map((line) => record(line)),
    ),
    never(),
  );

/** The envelope of one record, its members as they stand. */
const envelopeOf = (...parameters: Parameters<typeof record>): ReadonlyMap<string, string> => {
  const sink = splunkTo("https://splunk:8088");
  const [envelope = ""] = [...concatenatedValues(bodyOf(sink, [record(...parameters)]).toString())];
  return new Map(objectMembers(envelope));
};

async function statusMeans(sink: (endpoint: string) => Sink, status: number, headers = {}) {
  await using server = await startServer([reply(status, "{}", headers)]);
  return await send(sink(server.url), "line");
}

const kinds = async (statuses: readonly number[]) => {
  const outcomes = await Promise.all(statuses.map((status) => statusMeans(datadogTo, status)));
  return [...new Set(outcomes.map(({ kind }) => kind))];
};

const TESTS: Readonly<Record<string, () => Promise<void>>> = {
  async "hec-gzip"() {
    await using server = await startServer([reply(200, '{"text":"Success","code":0}')]);
    const [zipped, plain] = [splunkTo(server.url), splunkTo(server.url, { compression: "none" })];
    await send(zipped, "a", '{"b":1}');
    await send(plain, "a", '{"b":1}');
    expect(server.seen[0]?.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(server.seen[0]?.body ?? "").equals(server.seen[1]?.body ?? Buffer.alloc(0))).toBe(true);
  },

  async "hec-time-omitted"() {
    expect([...envelopeOf("no timestamp").keys()]).not.toContain("time");
  },

  async "hec-time-small"() {
    const times = [0, 1, 2].map((epochMs) => envelopeOf("m", { timestamp: { epochMs, nanos: 0 } }).get("time"));
    expect(times).toEqual(["0.000", "0.001", "0.002"]);
  },

  async "hec-blank-event"() {
    const intake = await listen(new SplunkIntake());
    expect(await send(splunkTo(intake.endpoint), "before", "   ", "after")).toEqual({ kind: "delivered" });
    expect(intake.events.map(({ event }) => event)).toEqual(["before", { message: "   " }, "after"]);
    expect(intake.violations).toEqual([]);
  },

  async "hec-absent-metadata"() {
    const sink = createSink(
      splunkHec,
      { token: TOKEN, endpoint: "https://splunk" },
      { resource: { host: "h", attributes: {} } },
    );
    const names = [...objectMembers(bodyOf(sink, [record("m")]).toString())].map(([name]) => name);
    expect(names).toEqual(["host", "source", "event"]);
    await sink.close();
  },

  async "hec-partial-failure"() {
    await using server = await startServer([reply(200, '{"text":"Success","code":0}'), reply(400, '{"code":6}')]);
    const sink = splunkTo(server.url);
    expect([await send(sink, "one"), await send(sink, "two")]).toMatchObject([
      { kind: "delivered" },
      { kind: "rejected" },
    ]);
    expect(server.seen).toHaveLength(2);
  },

  async "hec-ack-flow"() {
    const intake = await listen(new SplunkIntake({ acknowledges: true }));
    const outcome = await send(splunkTo(intake.endpoint, { acknowledge: true, ackInterval: "100ms" }), "one");
    expect(outcome.kind).toBe("received");
    if (outcome.kind === "received") expect(await outcome.settled).toBe(true);
    expect([...intake.channels]).toEqual(intake.questions.map(({ channel }) => channel));
  },

  async "hec-ack-never-true"() {
    const intake = await listen(new SplunkIntake({ acknowledges: true }));
    intake.holdsBack = true;
    const sink = splunkTo(intake.endpoint, { acknowledge: true, ackInterval: "100ms", ackTimeout: "200ms" });
    const outcome = await send(sink, "one");
    if (outcome.kind !== "received") throw new Error(outcome.kind);
    expect(await outcome.settled).toBe(false);
    expect((await send(sink, "one")).kind).toBe("received");
  },

  async "hec-ack-endpoint-503"() {
    const intake = await listen(new SplunkIntake({ acknowledges: true }));
    let questions = 0;
    intake.respond = ({ path }) => (path.endsWith("/ack") && (questions += 1) < 4 ? { status: 503 } : undefined);
    const outcome = await send(splunkTo(intake.endpoint, { acknowledge: true, ackInterval: "100ms" }), "one");
    if (outcome.kind !== "received") throw new Error(outcome.kind);
    expect(await outcome.settled).toBe(true);
    expect(questions).toBe(4);
  },

  async "hec-token-in-errors"() {
    await using server = await startServer([reply(403, `{"text":"Invalid token ${TOKEN}","code":4}`)]);
    const outcome = await send(splunkTo(server.url), "m");
    expect(outcome.kind).toBe("blocked");
    expect(JSON.stringify(outcome)).not.toContain(TOKEN);
  },

  async "dd-request-shape"() {
    await using server = await startServer([reply(202)]);
    await send(datadogTo(server.url, { compression: "none" }), "m");
    const [request] = server.seen;
    expect(request).toMatchObject({
      method: "POST",
      path: "/api/v2/logs",
      headers: { "dd-api-key": "datadog-key", "content-type": "application/json" },
    });
    expect(JSON.parse(String(request?.body))).toHaveLength(1);
  },

  async "dd-uri-default-scheme"() {
    expect(datadog.schema.parse({ apiKey: "k", endpoint: "http-intake.example:443" })).toMatchObject({
      endpoint: "https://http-intake.example/api/v2/logs",
    });
  },

  async "dd-url-ipv6"() {
    expect(datadog.schema.parse({ apiKey: "k", endpoint: "https://[fd38::1]:8080" })).toMatchObject({
      endpoint: "https://[fd38::1]:8080/api/v2/logs",
    });
  },

  async "dd-limits"() {
    expect(datadogTo("https://intake").limits).toMatchObject({ maxRecords: 1_000, maxBytes: 5_000_000 });
  },

  async "dd-fields"() {
    const intake = await listen(new DatadogIntake({ apiKey: "datadog-key" }));
    const sink = datadogTo(intake.endpoint, { tags: ["b:c"] });
    const now = Date.now();
    const one = record("m", { timestamp: { epochMs: now, nanos: 0 }, severity: { number: 9, text: "info" } });
    await sink.send(bodyOf(sink, [one]), never());
    expect(intake.items[0]?.raw).toEqual({
      message: "m",
      status: "info",
      timestamp: now,
      hostname: "pod-1",
      service: "checkout",
      ddsource: "tailcar",
      ddtags: "env:prod,version:1.2.3,b:c",
    });
  },

  async "dd-status-actions"() {
    expect(await kinds([408, 429, 500, 502, 503])).toEqual(["retry"]);
    expect(await kinds([400])).toEqual(["rejected"]);
    expect(await kinds([413])).toEqual(["tooLarge"]);
    expect(await kinds([401, 403])).toEqual(["blocked"]);
  },

  async "http-timeout"() {
    await using server = await startServer([() => {}]);
    const sink = datadogTo(server.url, { timeout: { response: "200ms", total: "400ms" } });
    expect((await send(sink, "m")).kind).toBe("retry");
  },

  async "http-redirect"() {
    await using other = await startServer([reply(202)]);
    expect((await statusMeans(datadogTo, 307, { location: other.url })).kind).toBe("blocked");
    expect(other.seen).toEqual([]);
  },

  async "http-retry-after"() {
    expect(await statusMeans(datadogTo, 429, { "retry-after": "3" })).toMatchObject({ kind: "retry", afterMs: 3_000 });
  },
};

test.skipIf(cases.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(cases).toEqual([]);
});

test.runIf(cases.length > 0)("each case of other shippers has a test, or a reason why we do otherwise", () => {
  const reasons = readFileSync(REASONS, "utf8");
  const unanswered = cases
    .map(({ id }) => id)
    .filter((id) => TESTS[id] === undefined && !reasons.includes(`\`${id}\``));
  expect(unanswered).toEqual([]);
});

test.each(Object.entries(TESTS))("%s", async (_id, run) => {
  await expect(run()).resolves.toBeUndefined();
});
