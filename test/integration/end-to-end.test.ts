import { join } from "node:path";
import { expect, test } from "vitest";
import type { AgentProcess } from "../support/agent-process.ts";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { stdoutRecords } from "../support/stdout-records.ts";

/** A minute ago: within what Datadog takes. */
const AT = Math.floor(Date.now() / 1_000) * 1_000 - 60_000 + 123;

interface Line {
  readonly bytes: Buffer;
  /** What must arrive as the record's body; undefined when the line is no record. */
  readonly body?: string;
  /** Set when the line must be understood as JSON. */
  readonly json?: { readonly severity: string; readonly message: string };
}

const plain = (body: string, end = "\n"): Line => ({ bytes: Buffer.from(body + end), body });

const WARNING = JSON.stringify({ time: new Date(AT).toISOString(), level: "warn", msg: "slow", user: { id: 7 } });
const FAILURE = JSON.stringify({ timestamp: AT, severity: "ERROR", message: "failed", n: [1, null] });
const json: Line[] = [
  { ...plain(WARNING), json: { severity: "WARN", message: "slow" } },
  { ...plain(FAILURE, "\r\n"), json: { severity: "ERROR", message: "failed" } },
];

/** Lines that are no JSON objects, or must not be taken for one. The first would forge an envelope if it were spliced in. */
const hostile: Line[] = [
  plain('{"a":1},"index":"_audit","x":{}'),
  plain('{"a":1}}{"event":"forged"}'),
  plain('["an","array"]'),
  plain("{}"),
  plain('{"cut":'),
];

const FILES: Readonly<Record<string, readonly Line[]>> = {
  "json.log": [...json, ...hostile],
  "auto.log": json,
  "raw.log": [
    plain(WARNING, "\r\n"),
    { bytes: Buffer.from("\r\n") },
    { bytes: Buffer.from("\n") },
    plain('tab\t, quote ", backslash \\, null \0, escape \u001B[31m, emoji 🚗, line separator \u2028'),
    { bytes: Buffer.from("bad \xff\xfe bytes\n", "latin1"), body: "bad \uFFFD\uFFFD bytes" },
    plain("after the bad bytes", "\r\n"),
    plain("  spaces stay  "),
  ],
};

interface Expected {
  readonly body: string;
  readonly json: Line["json"] | undefined;
  readonly file: string;
  readonly offset: number;
}

function expectedRecords(dir: string): Expected[] {
  return Object.entries(FILES).flatMap(([name, lines]) => {
    let end = 0;
    return lines.flatMap(({ bytes, body, json }) => {
      const offset = end;
      end += bytes.length;
      return body === undefined ? [] : [{ file: join(dir, name), offset, body, json }];
    });
  });
}

const resource = { service: "checkout", env: "test", version: "1.2", host: "pod-1", attributes: { team: "pay" } };

async function ship(scene: Scene) {
  const datadog = await scene.datadog();
  const splunk = await scene.splunk({ indexes: ["main"] });
  const formats = ["json", "raw", "auto"];
  const source = (format: string) => ({ include: [join(scene.logs, `${format}*.log`)], format });
  for (const [name, lines] of Object.entries(FILES)) scene.write(name, Buffer.concat(lines.map(({ bytes }) => bytes)));
  const agent = scene.agent({
    resource,
    sources: Object.fromEntries(formats.map((format) => [format, source(format)])),
    sinks: {
      datadog: datadogSink(datadog, { ddsource: "nodejs", tags: ["a:b"] }),
      splunk: splunkSink(splunk, { index: "main" }),
      console: { type: "stdout" },
    },
  });
  const expected = expectedRecords(scene.logs);
  const total = expected.length;
  await eventually("all records", agent, () => datadog.indexed >= total && splunk.indexed >= total);
  expect([(await agent.terminate()).code, datadog.violations, splunk.violations]).toEqual([0, [], []]);
  return { agent, datadog, splunk, expected };
}

const inOrder = (pairs: unknown[]): unknown[] => pairs.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const bytesOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

const key = (file: string, offset: number): string => `${file}:${String(offset).padStart(6, "0")}`;

test("raw, json and auto files reach Datadog, Splunk and stdout at the same time, each record once and as it was", async () => {
  const { agent, datadog, splunk, expected } = await ship(new Scene());

  const datadogMessages = datadog.items.map(({ message }) => message);
  expect(datadogMessages.sort()).toEqual(expected.map(({ body }) => body).sort());
  for (const item of datadog.items) {
    expect(item).toMatchObject({ ddsource: "nodejs", service: "checkout", hostname: "pod-1" });
    expect(item.ddtags?.split(",")).toEqual(expect.arrayContaining(["env:test", "version:1.2", "team:pay", "a:b"]));
  }

  const events = splunk.events.map(({ event, source }) => [source, event]);
  const expectedEvents = expected.map(({ file, body, json }) => [file, json === undefined ? body : JSON.parse(body)]);
  expect(inOrder(events)).toEqual(inOrder(expectedEvents));
  for (const event of splunk.events) expect(event).toMatchObject({ host: "pod-1", index: "main" });

  const records = stdoutRecords(agent.stdout).sort((a, b) => (key(a.file, a.offset) < key(b.file, b.offset) ? -1 : 1));
  const sorted = expected.sort((a, b) => (key(a.file, a.offset) < key(b.file, b.offset) ? -1 : 1));
  expect(records.map(({ file, offset, message }) => ({ file, offset, message }))).toEqual(
    sorted.map(({ file, offset, body, json }) => ({ file, offset, message: json?.message ?? body })),
  );
});

test("time, severity and fields of a JSON line arrive in each sink's own terms; other lines have none", async () => {
  const { agent, datadog, splunk } = await ship(new Scene());

  const failures = datadog.items.filter(({ message }) => message === FAILURE);
  expect(failures.map(({ status, timestamp }) => [status, timestamp])).toEqual([
    ["error", AT],
    ["error", AT],
  ]);
  expect(splunk.events.filter(({ event }) => JSON.stringify(event) === FAILURE).map(({ time }) => time)).toEqual([
    AT / 1_000,
    AT / 1_000,
  ]);
  const objects = splunk.events.filter(({ event }) => typeof event === "object");
  expect(new Set(objects.map(({ sourcetype }) => sourcetype))).toEqual(new Set(["_json"]));

  const records = stdoutRecords(agent.stdout);
  const failed = records.filter(({ message }) => message === "failed");
  expect(failed.map(({ timestamp, severity }) => [Date.parse(timestamp ?? ""), severity])).toEqual([
    [AT, "ERROR"],
    [AT, "ERROR"],
  ]);
  expect(failed[0]?.attributes).toMatchObject({ n: [1, null] });
  expect(JSON.stringify(failed[0]?.resource)).toMatch(/checkout.*test|test.*checkout/);
  const raw = records.filter(({ file }) => file.endsWith("raw.log"));
  expect(raw.map(({ severity, attributes }) => [severity, attributes])).toEqual(raw.map(() => [undefined, {}]));
});

test("neither the API key nor the token shows in what the agent says", async () => {
  const { agent } = await ship(new Scene());
  const said = agent.stderr + agent.stdout;
  expect(said).toContain("checkout");
  expect(said).not.toMatch(/datadog-test-key|11111111-2222-3333-4444-555555555555/);
});

/** The account that the agent prints at its end is held against what the files and the intakes say. */
test("the accounting at the end names every sink and says that nothing is pending", async () => {
  const { agent } = await ship(new Scene());
  for (const sink of ["datadog", "splunk", "console"]) {
    const account = agent.log().find(({ line }) => line.includes("pending") && line.includes(`"${sink}"`));
    expect(account?.line, `account of ${sink}\n${agent.tail()}`).toMatch(/"pending\w*":0\b/);
  }
});

async function shipLongLine(
  scene: Scene,
  line: string,
): Promise<{ agent: AgentProcess; parts: string[]; texts: string[] }> {
  const datadog = await scene.datadog();
  const splunk = await scene.splunk();
  scene.write("long.log", `before\n${line}\nafter\n`);
  const sources = { app: { include: [join(scene.logs, "*.log")], format: "raw" } };
  // One request at a time, so that the parts arrive in their order.
  const concurrency = { min: 1, max: 1 };
  const sinks = { datadog: datadogSink(datadog, { concurrency }), splunk: splunkSink(splunk, { concurrency }) };
  const agent = scene.agent({ sources, sinks });
  const parts = (): string[] => datadog.items.map(({ message }) => message);
  const texts = (): string[] => splunk.events.map(({ event }) => String(event));
  const whole = bytesOf(["before", line, "after"]);
  await eventually("the whole line", agent, () => bytesOf(parts()) >= whole && bytesOf(texts()) >= whole);
  expect((await agent.terminate()).code).toBe(0);
  expect([datadog.violations, datadog.truncated, splunk.violations]).toEqual([[], 0, []]);
  return { agent, parts: parts(), texts: texts() };
}

test.each([
  ["ASCII", "x".repeat(2_500_000)],
  ["three bytes a character", "車".repeat(800_000)],
  // Six bytes each once they are escaped: the limits hold for what is really sent.
  ["control characters", "a\u0001".repeat(350_000)],
])("a line over the vendors' limits (%s) arrives whole in parts that they take", async (_name, line) => {
  const { parts, texts } = await shipLongLine(new Scene(), line);
  for (const sent of [parts, texts]) {
    expect([sent[0], sent.at(-1)]).toEqual(["before", "after"]);
    expect(sent.slice(1, -1).join("") === line).toBe(true);
    expect(sent.length).toBeGreaterThan(3);
  }
});
