import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { DatadogIntake, type DatadogItem } from "./datadog-intake.ts";
import { script, type HttpIntake } from "./http-intake.ts";
import { until } from "./poll.ts";
import { SplunkIntake } from "./splunk-intake.ts";

async function open<T extends HttpIntake>(intake: T): Promise<T> {
  await intake.listen();
  onTestFinished(() => intake.close());
  return intake;
}

interface Sent {
  readonly body: string | Buffer;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const post = (intake: HttpIntake, path: string, headers: Readonly<Record<string, string>>, sent: Sent) =>
  fetch(`${intake.endpoint}${sent.path ?? path}`, {
    method: sent.method ?? "POST",
    headers: { ...headers, ...sent.headers },
    body: sent.method === "GET" ? null : sent.body,
  });

const toDatadog = (intake: DatadogIntake, sent: Sent) =>
  post(intake, "/api/v2/logs", { "dd-api-key": "datadog-test-key", "content-type": "application/json" }, sent);

const TOKEN = "Splunk 11111111-2222-3333-4444-555555555555";
const toSplunk = (intake: SplunkIntake, sent: Sent) =>
  post(intake, "/services/collector/event", { authorization: TOKEN }, sent);

const event = (text: string): string => JSON.stringify({ event: text });

const logs = (count: number, size = 1): string =>
  JSON.stringify(Array.from({ length: count }, () => ({ message: "m".repeat(size) })));

describe("Datadog intake", () => {
  const bodies: [name: string, sent: Sent, status: number, indexed: number][] = [
    ["plain array", { body: '[{"message":"a"},{"message":"b"}]' }, 202, 2],
    ["gzip", { body: gzipSync(logs(3)), headers: { "content-encoding": "gzip" } }, 202, 3],
    ["deflate", { body: deflateSync(logs(3)), headers: { "content-encoding": "deflate" } }, 202, 3],
    ["unknown encoding", { body: logs(1), headers: { "content-encoding": "br" } }, 400, 0],
    ["gzip in name only", { body: logs(1), headers: { "content-encoding": "gzip" } }, 400, 0],
    ["wrong path", { body: logs(1), path: "/v1/input" }, 404, 0],
    ["wrong method", { body: logs(1), method: "PUT" }, 405, 0],
    ["wrong key", { body: logs(1), headers: { "dd-api-key": "other" } }, 403, 0],
    ["no key", { body: logs(1), headers: { "dd-api-key": "" } }, 401, 0],
    ["wrong type", { body: logs(1), headers: { "content-type": "text/plain" } }, 415, 0],
    ["an object", { body: '{"message":"a"}' }, 400, 0],
    ["cut JSON", { body: '[{"message":"a"}' }, 400, 0],
    ["text after the array", { body: '[{"message":"a"}]x' }, 400, 0],
    ["trailing comma in a log", { body: '[{"message":"a",}]' }, 400, 0],
    ["invalid UTF-8", { body: Buffer.from('[{"message":"\xff"}]', "latin1") }, 400, 0],
    ["no message", { body: '[{"message":"a"},{"msg":"b"}]' }, 400, 0],
    ["1,000 logs", { body: logs(1_000) }, 202, 1_000],
    ["1,001 logs", { body: logs(1_001) }, 400, 0],
    ["exactly 5,000,000 bytes", { body: logs(5, 999_984).slice(0, -1).padEnd(4_999_999) + "]" }, 202, 5],
    ["5,000,001 bytes", { body: logs(5, 999_984).slice(0, -1).padEnd(5_000_000) + "]" }, 413, 0],
    ["5 MB behind gzip", { body: gzipSync(logs(5, 1_000_000)), headers: { "content-encoding": "gzip" } }, 413, 0],
  ];
  test.each(bodies)("%s", async (_name, sent, status, indexed) => {
    const intake = await open(new DatadogIntake());
    const response = await toDatadog(intake, sent);
    await response.text();
    expect([response.status, intake.indexed]).toEqual([status, indexed]);
    const isViolation = status !== 202 && status !== 401 && status !== 403;
    expect(intake.violations.length).toBe(isViolation ? 1 : 0);
  });

  test("gives the fields of each log and notices what is cut or refused in silence", async () => {
    const seen: DatadogItem[] = [];
    const intake = await open(new DatadogIntake({ onItem: (item) => seen.push(item) }));
    const now = Date.now();
    const fields = { status: "info", timestamp: now, ddsource: "s", service: "v", hostname: "h", ddtags: "a:b" };
    const old = { message: "old", timestamp: now - 19 * 3_600_000 };
    const ahead = { message: "ahead", timestamp: new Date(now + 3 * 3_600_000).toISOString() };
    const big = { message: "é".repeat(500_000) };
    const response = await toDatadog(intake, { body: JSON.stringify([{ message: "m", ...fields }, old, ahead, big]) });
    expect([response.status, await response.json()]).toEqual([202, {}]);
    expect(seen[0]).toMatchObject({ message: "m", ...fields });
    expect([seen.length, intake.refusedByTime, intake.truncated]).toEqual([2, 2, 1]);
  });
});

describe("Splunk intake", () => {
  const bodies: [name: string, sent: Sent, reply: Record<string, unknown>, indexed: number][] = [
    ["one", { body: event("a") }, { code: 0 }, 1],
    ["alias path", { body: event("a"), path: "/services/collector" }, { code: 0 }, 1],
    ["without separator", { body: `${event("a")}${event("b}{")}${event('\\"')}` }, { code: 0 }, 3],
    ["with separators", { body: `${event("a")}\n  ${event("b")}\r\n` }, { code: 0 }, 2],
    ["gzip", { body: gzipSync(event("a")), headers: { "content-encoding": "gzip" } }, { code: 0 }, 1],
    ["deflate", { body: deflateSync(event("a")), headers: { "content-encoding": "deflate" } }, { code: 415 }, 0],
    ["no token", { body: event("a"), headers: { authorization: "" } }, { code: 3 }, 0],
    ["wrong scheme", { body: event("a"), headers: { authorization: "Bearer x" } }, { code: 3 }, 0],
    ["wrong token", { body: event("a"), headers: { authorization: "Splunk x" } }, { code: 4 }, 0],
    ["bad channel", { body: event("a"), headers: { "x-splunk-request-channel": "1" } }, { code: 11 }, 0],
    ["wrong path", { body: event("a"), path: "/services/collector/raw" }, { code: 404 }, 0],
    ["wrong method", { body: event("a"), method: "PUT" }, { code: 405 }, 0],
    ["empty", { body: " " }, { code: 5 }, 0],
    ["over the limit", { body: event("a".repeat(1_000_000)) }, { code: 413 }, 0],
    ["cut", { body: `${event("a")}{"event":"b` }, { code: 6, "invalid-event-number": 1 }, 1],
    ["an array", { body: `${event("a")}[1]` }, { code: 6, "invalid-event-number": 1 }, 1],
    ["no event", { body: `${event("a")}{"time":1}` }, { code: 12, "invalid-event-number": 1 }, 1],
    ["blank event", { body: `${event("a")}${event(" ")}` }, { code: 13, "invalid-event-number": 1 }, 1],
    ["null event", { body: '{"event":null}' }, { code: 6, "invalid-event-number": 0 }, 0],
    ["exponent in time", { body: '{"time":1e3,"event":1}' }, { code: 15, "invalid-event-number": 0 }, 0],
    ["nested field", { body: '{"event":1,"fields":{"a":{}}}' }, { code: 15, "invalid-event-number": 0 }, 0],
    ["wrong index", { body: '{"event":1,"index":"_audit"}' }, { code: 7, "invalid-event-number": 1 }, 0],
    ["forged key", { body: `${event("a")}{"event":{"a":1},"index":"main","x":{}}` }, { code: 0 }, 1],
    ["doubled key", { body: '{"event":1,"event":2}' }, { code: 0 }, 0],
  ];
  test.each(bodies)("%s", async (_name, sent, reply, indexed) => {
    const intake = await open(new SplunkIntake({ indexes: ["main"] }));
    const response = await toSplunk(intake, sent);
    expect(await response.json()).toMatchObject(reply);
    expect(intake.indexed).toBe(indexed);
    const isClean = (reply["code"] === 0 && !_name.includes("key")) || [3, 4, 7].includes(Number(reply["code"]));
    expect(intake.violations.length).toBe(isClean ? 0 : 1);
  });

  test("gives the metadata of each event", async () => {
    const intake = await open(new SplunkIntake());
    const envelope = {
      time: 1.25,
      host: "h",
      source: "/f",
      sourcetype: "t",
      index: "i",
      event: { a: 1 },
      fields: { b: "c" },
    };
    await toSplunk(intake, { body: `${JSON.stringify(envelope)}{"event":"next"}` });
    expect(intake.events[0]).toEqual(envelope);
    expect(intake.events[1]).toMatchObject({ event: "next", host: undefined });
  });

  test("names the poison and keeps what stands before it", async () => {
    const intake = await open(new SplunkIntake({ isPoison: ({ event }) => event === "bad" }));
    const response = await toSplunk(intake, { body: `${event("a")}${event("bad")}${event("b")}` });
    expect(await response.json()).toMatchObject({ code: 6, "invalid-event-number": 1 });
    expect([intake.events.map(({ event }) => event), intake.violations]).toEqual([["a"], []]);
  });
});

describe("faults", () => {
  test("a script answers the first requests and then lets the intake speak", async () => {
    const intake = await open(new DatadogIntake());
    intake.respond = script({ status: 503, headers: { "retry-after": "30" } }, { status: 429 });
    const replies = [];
    for (let n = 0; n < 3; n += 1) {
      const response = await toDatadog(intake, { body: logs(1) });
      replies.push([response.status, response.headers.get("retry-after")]);
      await response.text();
    }
    expect(replies).toEqual([
      [503, "30"],
      [429, null],
      [202, null],
    ]);
    expect([intake.indexed, intake.requests, intake.statuses.get(503)]).toEqual([1, 3, 1]);
  });

  test("a held answer waits for the test and tells when it has gone out", async () => {
    const intake = await open(new DatadogIntake());
    const hold = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    intake.respond = () => ({ hold: hold.promise, indexed: false, answered: answered.resolve });
    const reply = toDatadog(intake, { body: logs(1) });
    await until("the request to arrive", () => intake.unanswered.size === 1);
    hold.resolve();
    await answered.promise;
    expect([(await reply).status, intake.indexed]).toEqual([202, 0]);
    await until("the request to be done", () => intake.unanswered.size === 0);
  });

  test("a reset ends the connection without an answer, indexed or not", async () => {
    const intake = await open(new SplunkIntake());
    intake.respond = script({ instead: "reset", indexed: true }, { instead: "reset" });
    for (const indexed of [1, 1]) {
      await expect(toSplunk(intake, { body: '{"event":1}' })).rejects.toThrow("fetch failed");
      expect(intake.indexed).toBe(indexed);
    }
  });

  test("a hang answers nothing, a hang in the body only its beginning", async () => {
    const intake = await open(new SplunkIntake());
    intake.respond = script({ instead: "hang" }, { instead: "hangInBody" });
    const abort = new AbortController();
    const silent = fetch(`${intake.endpoint}/services/collector`, { method: "POST", body: "{}", signal: abort.signal });
    await until("the request to arrive", () => intake.requests === 1);
    const response = await toSplunk(intake, { body: '{"event":1}' });
    expect(response.status).toBe(200);
    const rest = response.text();
    expect([intake.unanswered.size, intake.indexed]).toEqual([2, 0]);
    abort.abort();
    await expect(silent).rejects.toThrow("aborted");
    await intake.close();
    await expect(rest).rejects.toThrow("terminated");
  });
});
