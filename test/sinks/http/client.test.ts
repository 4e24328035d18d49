import { randomBytes } from "node:crypto";
import { getEventListeners } from "node:events";
import net from "node:net";
import { gunzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import { datadogSchema } from "../../../src/sinks/datadog/config.ts";
import type { ProxyEnv } from "../../../src/sinks/http/agent.ts";
import { HttpClient, type HttpResult } from "../../../src/sinks/http/client.ts";
import { never } from "../support.ts";
import { type Handler, portOf, reply, startServer } from "./server.ts";

const BODY = Buffer.from("x".repeat(300_000));

interface TestClient extends Disposable {
  post(body: Buffer, signal: AbortSignal): Promise<HttpResult>;
  close(): void;
}

function createClient(endpoint: string, options: Record<string, unknown> = {}, proxyEnv: ProxyEnv = {}): TestClient {
  const client = new HttpClient({
    endpoint,
    options: datadogSchema.parse({ apiKey: "k", compression: "none", ...options }),
    headers: () => ({ "x-test": "1" }),
    userAgent: "tailcar/0.1.0",
    clock: systemClock,
    proxyEnv,
  });
  const close = (): void => client.close();
  return {
    post: async (body, signal) => client.post(await client.compress(body), signal),
    close,
    [Symbol.dispose]: close,
  };
}

const quick = { timeout: { connect: "200ms", response: "200ms", total: "400ms" } };

/** A response that goes on for ever. */
const huge =
  (length?: number): Handler =>
  (_request, response, socket) => {
    response.writeHead(503, length === undefined ? {} : { "content-length": length });
    const chunk = Buffer.alloc(65_536, "y");
    const more = (): void => {
      while (!socket.destroyed && response.write(chunk));
    };
    response.on("drain", more);
    more();
  };

const retry = (reason: RegExp) => ({
  kind: "failed",
  outcome: { kind: "retry", reason: expect.stringMatching(reason) },
});

describe("a request", () => {
  test("carries the body, its length and the headers", async () => {
    await using server = await startServer([reply(202, "taken", { "x-answer": "2" })]);
    using client = createClient(`${server.url}/api?x=1`);
    const result = await client.post(BODY, never());
    expect(result).toMatchObject({
      kind: "reply",
      reply: { status: 202, body: "taken", headers: { "x-answer": "2" } },
    });
    expect(server.seen).toMatchObject([
      {
        method: "POST",
        path: "/api?x=1",
        headers: { "x-test": "1", "user-agent": "tailcar/0.1.0", "content-length": "300000" },
      },
    ]);
    expect(server.seen[0]?.headers["transfer-encoding"]).toBeUndefined();
    expect(server.seen[0]?.body.equals(BODY)).toBe(true);
  });

  test("is compressed", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url, { compression: "gzip" });
    await client.post(BODY, never());
    const [request] = server.seen;
    expect(request?.headers["content-encoding"]).toBe("gzip");
    expect(request?.headers["content-length"]).toBe(String(request?.body.length));
    expect(request?.body.length).toBeLessThan(10_000);
    expect(gunzipSync(request?.body ?? "").equals(BODY)).toBe(true);
  });

  test("of five megabytes that cannot be compressed arrives whole", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url, { compression: "gzip", compressionLevel: 9 });
    const body = randomBytes(5_000_000);
    await client.post(body, never());
    expect(gunzipSync(server.seen[0]?.body ?? "").equals(body)).toBe(true);
  });

  test("with an empty body is a request", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url);
    expect(await client.post(Buffer.alloc(0), never())).toMatchObject({ reply: { status: 202 } });
  });
});

describe("connections", () => {
  test("one is used for many requests", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url);
    for (let i = 0; i < 50; i++) await client.post(BODY, never());
    expect(server.seen).toHaveLength(50);
    expect(server.sockets).toHaveLength(1);
  });

  test("leave nothing behind on a signal that lives longer", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url);
    const { signal } = new AbortController();
    for (let i = 0; i < 20; i++) await client.post(Buffer.from("small"), signal);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(server.sockets).toHaveLength(1);
  });

  test("are no more than the concurrency allows", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url, { concurrency: { max: 3 } });
    await Promise.all(Array.from({ length: 12 }, () => client.post(BODY, never())));
    expect(server.seen).toHaveLength(12);
    expect(server.sockets.length).toBeLessThanOrEqual(3);
  });

  test("one that the server closed between two requests is replaced", async () => {
    await using server = await startServer([reply(202)]);
    using client = createClient(server.url);
    await client.post(BODY, never());
    const closed = new Promise((resolve) => server.sockets[0]?.once("close", resolve));
    server.sockets[0]?.end();
    await closed;
    expect(await client.post(BODY, never())).toMatchObject({ reply: { status: 202 } });
    expect(server.sockets).toHaveLength(2);
  });

  test("one that the server announces to close is not used again", async () => {
    await using server = await startServer([reply(202, "{}", { connection: "close" })]);
    using client = createClient(server.url);
    for (let i = 0; i < 3; i++) expect(await client.post(BODY, never())).toMatchObject({ reply: { status: 202 } });
    expect(server.sockets).toHaveLength(3);
  });
});

describe("a redirect is an answer like any other", () => {
  test.each([301, 302, 303, 307, 308])("%d is not followed", async (status) => {
    await using other = await startServer([reply(202)]);
    await using server = await startServer([reply(status, "", { location: other.url })]);
    using client = createClient(server.url);
    expect(await client.post(BODY, never())).toMatchObject({ kind: "reply", reply: { status } });
    expect(other.seen).toEqual([]);
  });
});

describe("a response that", () => {
  test.each([undefined, 10_000_000_000])("never ends is left after 64 KiB (announced: %s)", async (length) => {
    await using server = await startServer([huge(length)]);
    using client = createClient(server.url);
    const result = await client.post(BODY, never());
    expect(result).toMatchObject({ kind: "reply", reply: { status: 503, body: "y".repeat(65_536) } });
    const [socket] = server.sockets;
    if (socket?.closed === false) await new Promise((resolve) => socket.once("close", resolve));
  });

  test("claims to be compressed is not inflated", async () => {
    await using server = await startServer([reply(503, "not gzip", { "content-encoding": "gzip" })]);
    using client = createClient(server.url);
    expect(await client.post(BODY, never())).toMatchObject({ reply: { status: 503, body: "not gzip" } });
  });

  test("comes before the upload has ended counts, and the upload stops", async () => {
    const { promise: accepted, resolve: accept } = Promise.withResolvers<net.Socket>();
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\n{}");
        accept(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    using client = createClient(`http://127.0.0.1:${portOf(server)}`);
    const result = await client.post(Buffer.alloc(50_000_000), never());
    expect(result).toMatchObject({ kind: "reply", reply: { status: 413, body: "{}" } });
    const socket = await accepted;
    let received = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
    });
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(received).toBeLessThan(50_000_000);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("no response is a reason to try again", () => {
  test.each<[string, Handler, RegExp]>([
    ["silence", () => {}, /'response'/],
    ["silence after half of the body", (_request, response) => void response.writeHead(202).write("{"), /'read'/],
    ["a reset before the response", (_request, _response, socket) => void socket.resetAndDestroy(), /ECONNRESET/],
    [
      "a reset during the response",
      (_request, response, socket) =>
        void response.writeHead(202, { "content-length": 10 }).write("{", () => socket.resetAndDestroy()),
      /ECONNRESET|aborted|mismatch/,
    ],
    [
      "an end before the announced length",
      (_request, response, socket) =>
        void response.writeHead(202, { "content-length": 10 }).write("{", () => socket.end()),
      /ECONNRESET|aborted|mismatch/,
    ],
    ["something else than HTTP", (_request, _response, socket) => void socket.end("nonsense\r\n\r\n"), /HPE_|Parse/],
    [
      "a head without end",
      (_request, _response, socket) => void socket.write(`HTTP/1.1 202 OK\r\nx: ${"y".repeat(100_000)}`),
      /HPE_HEADER_OVERFLOW|Header overflow/,
    ],
  ])("%s", async (_name, handler, reason) => {
    await using server = await startServer([handler]);
    using client = createClient(server.url, quick);
    expect(await client.post(BODY, never())).toEqual(retry(reason));
  });

  test("a port where nobody listens", async () => {
    const server = await startServer([]);
    await server[Symbol.asyncDispose]();
    using client = createClient(server.url);
    expect(await client.post(BODY, never())).toEqual(retry(/ECONNREFUSED/));
  });

  test("a host that does not exist", async () => {
    using client = createClient("http://tailcar.invalid/");
    expect(await client.post(BODY, never())).toEqual(retry(/ENOTFOUND|EAI_AGAIN/));
  });

  test("a deadline that comes before the last byte was sent says so; one that comes later does not", async () => {
    // Reads what came first, and nothing more.
    const server = net.createServer((socket) => void socket.once("data", () => socket.pause()).on("error", () => {}));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    using client = createClient(`http://127.0.0.1:${portOf(server)}`, {
      timeout: { connect: "5s", response: "5s", total: "300ms" },
    });
    // More than the kernel keeps of a connection whose receiver does not read.
    const long = await client.post(Buffer.alloc(32_000_000, "x"), never());
    expect(long).toMatchObject({ outcome: { kind: "retry", cutShort: true } });
    const short = await client.post(Buffer.from("short"), never());
    expect(short).toMatchObject({ outcome: { kind: "retry", reason: expect.stringMatching(/request/) } });
    expect(short).not.toHaveProperty("outcome.cutShort");
  });

  test("after it the next request succeeds", async () => {
    await using server = await startServer([
      (_request, _response, socket) => void socket.resetAndDestroy(),
      reply(202),
    ]);
    using client = createClient(server.url);
    await client.post(BODY, never());
    expect(await client.post(BODY, never())).toMatchObject({ reply: { status: 202 } });
  });
});

test("an abandoned attempt ends at once and closes its connection", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  await using server = await startServer([() => arrive()]);
  using client = createClient(server.url);
  const controller = new AbortController();
  const result = client.post(BODY, controller.signal);
  await arrived;
  const closed = new Promise((resolve) => server.sockets[0]?.once("close", resolve));
  controller.abort();
  expect(await result).toMatchObject({ kind: "failed" });
  await closed;
});

test("an attempt that is abandoned before it begins sends nothing", async () => {
  await using server = await startServer([reply(202)]);
  using client = createClient(server.url);
  expect(await client.post(BODY, AbortSignal.abort())).toMatchObject({ kind: "failed" });
  expect(server.seen).toEqual([]);
});

test("close ends the connections that wait for reuse", async () => {
  await using server = await startServer([reply(202)]);
  const client = createClient(server.url);
  await client.post(BODY, never());
  const closed = new Promise((resolve) => server.sockets[0]?.once("close", () => resolve("closed")));
  client.close();
  expect(await closed).toBe("closed");
});
