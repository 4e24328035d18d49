import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Outcome } from "../../src/core/outcome.ts";
import type { SinkDefinition } from "../../src/core/sink-definition.ts";
import type { Sink } from "../../src/core/sink.ts";
import { fitRecord } from "../../src/pipeline/split.ts";
import { type Handler, reply, startServer } from "../sinks/http/server.ts";
import { bodyOf, createSink, never, NOW, record } from "../sinks/support.ts";
import { within } from "../support/poll.ts";
import { ANSWER_FAULTS, flood, RAW_FAULTS, startRaw } from "./faults.ts";
import { HOSTILE } from "./hostile-lines.ts";
import { credentials, pem } from "../support/certificates.ts";

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the contract has to know of a sink over HTTP. */
export interface HttpContract {
  /** Options as in a configuration file, for a receiver at `endpoint`. Nothing in them may be a secret but `secret`. */
  readonly options: (endpoint: string) => Readonly<Record<string, unknown>>;
  /** The credential among the options, at least 8 characters. */
  readonly secret: string;
  /** The documented success. */
  readonly success: Answer;
  /** Every other documented answer, and what it means. */
  readonly answers: readonly (readonly [name: string, answer: Answer, expected: Outcome["kind"]])[];
}

/** What the contract has to know of any sink. */
export interface SinkContract {
  readonly definition: SinkDefinition;
  /** Options that make a sink, as in a configuration file. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * Reads a body with a parser that is not the encoder's, and says what stands there for each record beside what should:
   * its text unchanged, and around it the same for all and nothing else.
   */
  readonly read: (
    body: string,
    lines: readonly string[],
  ) => { readonly found: readonly unknown[]; readonly expected: readonly unknown[] };
  readonly http?: HttpContract;
}

/** Long enough for a busy machine to answer in, short enough to wait for. */
const QUICK = { timeout: { connect: "400ms", response: "500ms", total: "900ms" } };
/** By then a request with these deadlines has ended, on a machine that is busy. */
const ENDED_MS = 6_000;

/** What every sink must keep to. A sink of a third party runs it too: `describeSink({...})` in a test file of its own. */
export function describeSink(contract: SinkContract): void {
  const { definition, options, read, http } = contract;
  const create = (more: Readonly<Record<string, unknown>> = {}): Sink =>
    createSink(definition, { ...options, ...more });

  describe(`the sink ${definition.type}`, () => {
    describe("encodes", () => {
      test.each(HOSTILE.map((line) => [line.slice(0, 60), line]))(
        "a hostile line as a text like any other: %j",
        (_name, line) => {
          const lines = ["before", line, '{"after":1}'];
          const { found, expected } = read(
            bodyOf(
              create(),
              lines.map((text) => record(text)),
            ).toString(),
            lines,
          );
          expect(found).toEqual(expected);
        },
      );

      test("the same records to the same bytes, whole and in halves", () => {
        const records = HOSTILE.map((line, index) => record(line, { timestamp: { epochMs: NOW + index, nanos: 0 } }));
        const sink = createSink(definition, options, {
          clock: { now: () => NOW, elapsed: () => 0, sleep: async () => {} },
        });
        const middle = records.length >> 1;
        const bodies = [records, records.slice(0, middle), records.slice(middle), records].map((part) =>
          bodyOf(sink, part),
        );
        expect(bodies[3]?.equals(bodies[0] ?? Buffer.alloc(0))).toBe(true);
        expect((bodies[1]?.length ?? 0) + (bodies[2]?.length ?? 0)).toBeGreaterThanOrEqual(
          (bodies[0]?.length ?? 0) - 8,
        );
      });

      test.each(["x", "\u0000", '"', "é", "\u{1f600}", '{"a":"x"}'])(
        "a record over its limit in marked parts that are within it (of %j)",
        (unit) => {
          const sink = create();
          const { maxRecordBytes } = sink.limits;
          const line = unit.repeat(Math.ceil((1.5 * maxRecordBytes) / Buffer.byteLength(unit)));
          const measure = (part: Parameters<typeof bodyOf>[1][number]): number => bodyOf(sink, [part]).length;
          const parts = fitRecord(record(line), sink.limits, measure);
          expect(parts.length).toBeGreaterThan(1);
          for (const part of parts) expect(measure(part)).toBeLessThanOrEqual(maxRecordBytes);
          expect(parts.map(({ body }) => body).join("") === line).toBe(true);
          expect(bodyOf(sink, parts.slice(0, 1)).toString()).toContain("originalBytes");
        },
      );
    });

    test("says what it takes at most", () => {
      const { limits, concurrency } = create();
      expect(limits.maxRecordBytes).toBeLessThanOrEqual(limits.maxBytes);
      for (const value of [limits.maxRecords, limits.maxRecordBytes, concurrency.min]) expect(value).toBeGreaterThan(0);
      expect(concurrency.min).toBeLessThanOrEqual(concurrency.max);
    });

    test("ends, also twice", async () => {
      const sink = create();
      await sink.close();
      await expect(sink.close()).resolves.toBeUndefined();
    });

    if (http !== undefined) describeHttp(definition, http);
  });
}

const body = (sink: Sink, text = "line"): Buffer => Buffer.from(bodyOf(sink, [record(text)]));

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toUTCString();

function describeHttp(definition: SinkDefinition, { options, secret, success, answers }: HttpContract): void {
  const sinkTo = (endpoint: string, more: Readonly<Record<string, unknown>> = {}): Sink =>
    createSink(definition, { ...options(endpoint), ...more });
  const { body: successBody = "" } = success;
  const healthy = reply(success.status, successBody, { ...success.headers });

  async function sendOnce(endpoint: string, more: Readonly<Record<string, unknown>> = {}): Promise<Outcome> {
    const sink = sinkTo(endpoint, more);
    const outcome = await within("the outcome", ENDED_MS, sink.send(body(sink), never()));
    await sink.close();
    return outcome;
  }

  const answered = async ({ status, body: text = "", headers = {} }: Answer): Promise<Outcome> => {
    await using server = await startServer([reply(status, text, { ...headers })]);
    // Awaited, for the server ends with this block.
    return await sendOnce(server.url);
  };

  const closing: Handler = (request, response, socket) => {
    response.on("finish", () => setImmediate(() => socket.destroy()));
    healthy(request, response, socket);
  };
  const noGzip: Handler = (request, response, socket) =>
    request.headers["content-encoding"] === undefined
      ? healthy(request, response, socket)
      : reply(415)(request, response, socket);

  describe("over HTTP", () => {
    test("delivers with the documented success", async () => {
      expect(await answered(success)).toEqual({ kind: "delivered" });
    });

    test("delivers over HTTPS", async () => {
      await using server = await startServer([healthy], credentials("server"));
      expect(await sendOnce(server.url, { tls: { ca: pem("ca.pem") } })).toEqual({ kind: "delivered" });
    });

    test.each(answers)("takes %s for what it is", async (_name, answer, expected) => {
      expect((await answered(answer)).kind).toBe(expected);
    });

    const others = [200, 201, 202, 203, 204, 206, 226, 260].filter((status) => status !== success.status);
    test.each(others)("does not take %d for a delivery", async (status) => {
      expect((await answered({ status, body: "{}" })).kind).toBe("retry");
    });

    test.each([408, 429, 500, 501, 502, 503, 504, 507, 520, 599])("tries again after %d", async (status) => {
      expect((await answered({ status })).kind).toBe("retry");
    });

    test.each([401, 403, 404, 405, 407, 410, 421])("keeps the data and waits to be mended after %d", async (status) => {
      expect((await answered({ status })).kind).toBe("blocked");
    });

    test("sends less at once after 413", async () => {
      expect((await answered({ status: 413 })).kind).toBe("tooLarge");
    });
  });

  const afterMs = async (status: number, value: string): Promise<number | undefined> => {
    const outcome = await answered({ status, headers: { "retry-after": value } });
    expect(outcome.kind).toBe("retry");
    return outcome.kind === "retry" ? outcome.afterMs : undefined;
  };

  describe("waits for as long as it is asked to", () => {
    test.each([429, 503])("in seconds, on %d", async (status) => {
      expect(await afterMs(status, "7")).toBe(7_000);
    });

    test.each([429, 503])("until a date, on %d", async (status) => {
      const ms = (await afterMs(status, inSeconds(60))) ?? 0;
      expect(Math.abs(ms - 60_000)).toBeLessThan(5_000);
    });

    test.each(["", "0", "-1", "soon", "1e9", "Thu, 01 Jan 1970 00:00:00 GMT"])("but not for %j", async (value) => {
      expect(await afterMs(429, value)).toBeUndefined();
    });
  });

  describe("tries again, within its deadlines, when the receiver", () => {
    test.each(RAW_FAULTS)("%s", async (_name, serve) => {
      await using server = await startRaw(serve);
      expect(await sendOnce(`http://127.0.0.1:${server.port}`, QUICK)).toMatchObject({ kind: "retry" });
    });

    test.each(ANSWER_FAULTS(success.status, successBody))("%s", async (_name, handler) => {
      await using server = await startServer([handler]);
      expect(await sendOnce(server.url, QUICK)).toMatchObject({ kind: "retry" });
    });

    test("reads a large request slowly", async () => {
      await using server = await startRaw((socket) => socket.pause());
      const sink = sinkTo(`http://127.0.0.1:${server.port}`, QUICK);
      const outcome = await within("the outcome", ENDED_MS, sink.send(randomBytes(20e6), never()));
      expect(outcome).toMatchObject({ kind: "retry" });
      await sink.close();
    });

    test("never agrees on TLS", async () => {
      await using server = await startRaw(() => {});
      expect(await sendOnce(`https://127.0.0.1:${server.port}`, QUICK)).toMatchObject({ kind: "retry" });
    });

    test("is not there", async () => {
      const server = await startServer([]);
      await server[Symbol.asyncDispose]();
      expect(await sendOnce(server.url, QUICK)).toMatchObject({ kind: "retry" });
    });

    test("has no address", async () => {
      expect(await sendOnce("http://tailcar.invalid", QUICK)).toMatchObject({ kind: "retry" });
    });
  });

  describe("is well again by itself", () => {
    test("after each of these faults, with as few connections as it may have", async () => {
      const faults = ANSWER_FAULTS(success.status, successBody).map(([, handler]) => handler);
      await using server = await startServer([...faults, healthy]);
      const sink = sinkTo(server.url, QUICK);
      for (let i = 0; i < faults.length; i += 1) expect((await sink.send(body(sink), never())).kind).toBe("retry");
      for (let i = 0; i < 5; i += 1) expect(await sink.send(body(sink), never())).toEqual({ kind: "delivered" });
      expect(server.sockets.length).toBeLessThanOrEqual(faults.length + 1);
      await sink.close();
    });

    test("when the receiver closes its idle connections: no batch is lost, and none comes three times", async () => {
      await using server = await startServer([closing]);
      const sink = sinkTo(server.url, { compression: "none" });
      for (let i = 0; i < 20; i += 1) {
        for (let outcome = "retry"; outcome === "retry";)
          outcome = (await sink.send(body(sink, `line ${i}.`), never())).kind;
      }
      await sink.close();
      const times = Array.from(
        { length: 20 },
        (_, i) => server.seen.filter((request) => request.body.includes(`line ${i}.`)).length,
      );
      expect(Math.min(...times)).toBe(1);
      expect(Math.max(...times)).toBeLessThanOrEqual(2);
    });
  });

  describe("is not harmed by", () => {
    test.each([success.status, 500])("100 MB of answer (%d)", async (status) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      await using server = await startServer([flood(status, resolve)]);
      const outcome = await sendOnce(server.url);
      expect(["delivered", "retry"]).toContain(outcome.kind);
      expect(await promise).toBeLessThan(50e6);
    });

    test("an answer to 500 that is no text", async () => {
      await using server = await startServer([
        (_request, response) => void response.writeHead(500).end(randomBytes(10_000)),
      ]);
      const outcome = await sendOnce(server.url);
      expect(outcome.kind).toBe("retry");
      expect(JSON.stringify(outcome)).not.toMatch(/[\p{Cc}]/u);
    });

    test("an answer that claims to be compressed", async () => {
      await using server = await startServer([reply(500, "not gzip", { "content-encoding": "gzip" })]);
      expect((await sendOnce(server.url)).kind).toBe("retry");
    });
  });

  describe("keeps its credentials", () => {
    test.each([301, 302, 303, 307, 308])("from another host, to which %d would lead", async (status) => {
      await using other = await startServer([healthy]);
      await using server = await startServer([reply(status, "", { location: `${other.url}/x` })]);
      expect((await sendOnce(server.url)).kind).toBe("blocked");
      expect(other.seen).toEqual([]);
    });

    test.each<[string, string, Record<string, unknown> | undefined]>([
      ["of an unknown authority", "server", undefined],
      ["for another name", "other", { ca: pem("ca.pem") }],
      ["that has expired", "expired", { ca: pem("expired.pem") }],
    ])("from a server with a certificate %s", async (_name, certificate, tls) => {
      await using server = await startServer([healthy], credentials(certificate));
      expect((await sendOnce(server.url, tls === undefined ? {} : { tls })).kind).toBe("blocked");
      expect(server.seen).toEqual([]);
    });

    test.each([400, 401, 403, 429, 500])(
      "out of what it says when the receiver repeats the request in a %d",
      async (status) => {
        await using server = await startServer([
          ({ headers }, response) => void response.writeHead(status).end(JSON.stringify(headers)),
        ]);
        const outcome = await sendOnce(server.url);
        expect(server.seen[0]?.headers && JSON.stringify(server.seen[0].headers)).toContain(secret);
        expect(JSON.stringify(outcome)).not.toContain(secret);
      },
    );
  });

  test("sends plain bodies to a receiver that refuses gzip", async () => {
    await using server = await startServer([noGzip]);
    const sink = sinkTo(server.url);
    for (let i = 0; i < 2; i += 1) expect(await sink.send(body(sink), never())).toEqual({ kind: "delivered" });
    await sink.close();
    const [first, ...rest] = server.seen;
    expect(rest.map((request) => request.body.toString())).toEqual(
      Array.from({ length: 2 }, () => gunzipSync(first?.body ?? "").toString()),
    );
  });

  test("gives up an attempt at once when it is told to, and sends nothing when it was told before", async () => {
    await using server = await startServer([() => {}]);
    const sink = sinkTo(server.url);
    const stop = new AbortController();
    const sent = sink.send(body(sink), stop.signal);
    setTimeout(() => stop.abort(), 50);
    await within("the end of the attempt", ENDED_MS, sent);
    const before = server.seen.length;
    await sink.send(body(sink), AbortSignal.abort());
    expect(server.seen.length).toBe(before);
    await sink.close();
  });
}
