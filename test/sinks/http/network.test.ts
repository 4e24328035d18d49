import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { Sink, SinkContext } from "../../../src/core/sink.ts";
import { Secret } from "../../../src/core/secret.ts";
import { datadog } from "../../../src/sinks/datadog/sink.ts";
import { TestClock } from "../../core/test-clock.ts";
import { context, createSink, never } from "../support.ts";
import { startProxy } from "./proxy.ts";
import { type Handler, portOf, reply, startServer } from "./server.ts";
import { credentials, pem } from "../../support/certificates.ts";

const tls = { ca: pem("ca.pem") };

const directory = mkdtempSync(join(tmpdir(), "tailcar-network-"));
afterAll(() => rmSync(directory, { recursive: true }));

const BODY = Buffer.from("[1]");
const quick = { timeout: { connect: "200ms", response: "300ms", total: "600ms" } };

const sinkTo = (endpoint: string, options: Record<string, unknown> = {}, context: Partial<SinkContext> = {}): Sink =>
  createSink(datadog, { apiKey: "k", endpoint, compression: "none", ...options }, context);

async function sendOnce(...parameters: Parameters<typeof sinkTo>) {
  const sink = sinkTo(...parameters);
  const outcome = await sink.send(BODY, never());
  await sink.close();
  return outcome;
}

describe("a proxy", () => {
  test("gets the whole URL of plain HTTP", async () => {
    await using server = await startServer([reply(202)]);
    await using proxy = await startProxy();
    expect(await sendOnce(`${server.url}/x?a=1`, { proxy: proxy.url })).toEqual({ kind: "delivered" });
    expect(proxy.seen).toEqual([`POST ${server.url}/x?a=1`]);
    expect(server.seen.map(({ path }) => path)).toEqual(["/x?a=1"]);
  });

  test("is a tunnel for HTTPS, kept for many requests", async () => {
    await using server = await startServer([reply(202)], credentials("server"));
    await using proxy = await startProxy();
    const sink = sinkTo(server.url, { proxy: proxy.url, tls });
    for (let i = 0; i < 3; i += 1) expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
    await sink.close();
    expect(proxy.seen).toEqual([`CONNECT 127.0.0.1:${server.port}`]);
    expect(server.seen).toHaveLength(3);
  });

  test.each(["http", "https"])("whose URL can't be read blocks the sink and shows no password (%s)", async (scheme) => {
    const endpoint = `${scheme}://receiver.test`;
    for (const url of ["http://user:secret%zz@127.0.0.1:1", "http://user:secret@[127.0.0.1"]) {
      const outcome = await sendOnce(endpoint, {}, { env: { HTTP_PROXY: url, HTTPS_PROXY: url } });
      expect(outcome).toMatchObject({ kind: "blocked", reason: expect.stringContaining("proxy") });
      expect(JSON.stringify(outcome)).not.toContain("secret");
    }
    expect(await sendOnce(endpoint, { proxy: "http://user:secret%zz@127.0.0.1:1" })).toMatchObject({ kind: "blocked" });
  });

  test.each(["http", "https"])("gets the user's name and password (%s)", async (scheme) => {
    await using server = await startServer([reply(202)], scheme === "https" ? credentials("server") : undefined);
    await using proxy = await startProxy();
    const url = proxy.url.replace("//", "//user:p%40ss@");
    expect(await sendOnce(server.url, { proxy: url, ...(scheme === "https" ? { tls } : {}) })).toEqual({
      kind: "delivered",
    });
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from("user:p@ss").toString("base64")}`]);
    expect(server.seen[0]?.headers["proxy-authorization"]).toBeUndefined();
  });

  test("does not vouch for the certificate behind it", async () => {
    await using server = await startServer([reply(202)], credentials("other"));
    await using proxy = await startProxy();
    expect(await sendOnce(server.url, { proxy: proxy.url, tls })).toMatchObject({ kind: "blocked" });
    expect(server.seen).toEqual([]);
  });

  describe("of the environment", () => {
    test.each(["HTTP_PROXY", "http_proxy"])("is used: %s", async (name) => {
      await using proxy = await startProxy();
      await sendOnce("http://intake.invalid/x", quick, { env: { [name]: proxy.url } });
      expect(proxy.seen).toEqual(["POST http://intake.invalid/x"]);
    });

    test("is used for HTTPS", async () => {
      await using proxy = await startProxy();
      await sendOnce("https://intake.invalid/x", { tls, ...quick }, { env: { HTTPS_PROXY: proxy.url } });
      expect(proxy.seen).toEqual(["CONNECT intake.invalid:443"]);
    });

    test.each<[string, Record<string, string>, string | undefined]>([
      ["NO_PROXY names the host", { NO_PROXY: "10.0.0.1,.invalid" }, undefined],
      ["the option says none", {}, "none"],
      ["it is the one of HTTPS alone", { HTTP_PROXY: "" }, undefined],
    ])("is passed by when %s", async (_name, env, option) => {
      await using proxy = await startProxy();
      const all = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, ...env };
      const options = { ...quick, ...(option === undefined ? {} : { proxy: option }) };
      expect(await sendOnce("http://intake.invalid/x", options, { env: all })).toMatchObject({ kind: "retry" });
      expect(proxy.seen).toEqual([]);
    });

    test.each(["localhost", "127.0.0.1"])("is passed by for %s, as in other agents", async (host) => {
      await using server = await startServer([reply(202)]);
      await using proxy = await startProxy();
      const endpoint = `http://${host}:${server.port}`;
      expect(await sendOnce(endpoint, {}, { env: { HTTP_PROXY: proxy.url } })).toEqual({ kind: "delivered" });
      expect(proxy.seen).toEqual([]);
    });
  });

  test.each(["http", "https"])(
    "that wants other credentials blocks the sink, and has those of the file as it is then (%s)",
    async (scheme) => {
      await using server = await startServer([reply(202)], scheme === "https" ? credentials("server") : undefined);
      await using proxy = await startProxy({ password: "right-one" });
      const secret = { current: proxy.url.replace("//", "//user:wrong-one@") };
      const parsed = datadog.schema.parse({
        apiKey: "k",
        endpoint: server.url,
        ...(scheme === "https" ? { tls } : {}),
      });
      const options = { ...parsed, proxy: new Secret(secret.current, () => secret.current) };
      const sink = datadog.create(options, context());
      const outcome = await sink.send(BODY, never());
      expect(outcome).toMatchObject({ kind: "blocked", reason: expect.stringMatching(/proxy.*407/) });
      expect(JSON.stringify(outcome)).not.toContain("wrong-one");
      secret.current = proxy.url.replace("//", "//user:right-one@");
      await sink.refresh?.();
      expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
      await sink.close();
    },
  );

  describe("is a reason to try again when it", () => {
    test("can't reach the receiver", async () => {
      await using proxy = await startProxy({ refuses: "502 Bad Gateway" });
      const outcome = await sendOnce("https://127.0.0.1:1", { proxy: proxy.url.replace("//", "//user:hush@"), tls });
      expect(outcome).toMatchObject({ kind: "retry", reason: expect.stringContaining("502") });
      expect(JSON.stringify(outcome)).not.toContain("hush");
    });

    test("does not listen", async () => {
      expect(await sendOnce("https://127.0.0.1:2", { proxy: "http://127.0.0.1:1", tls })).toMatchObject({
        kind: "retry",
      });
    });

    test("never opens the tunnel", async () => {
      await using proxy = await startProxy({ hangs: true });
      const startedMs = performance.now();
      expect(await sendOnce("https://127.0.0.1:1", { proxy: proxy.url, tls, ...quick })).toMatchObject({
        kind: "retry",
      });
      expect(performance.now() - startedMs).toBeLessThan(20_000);
    });

    test("leads to a receiver that never agrees on TLS", async () => {
      const silent = net.createServer(() => {});
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      await using proxy = await startProxy();
      const startedMs = performance.now();
      const outcome = await sendOnce(`https://127.0.0.1:${portOf(silent)}`, { proxy: proxy.url, tls, ...quick });
      expect(outcome).toMatchObject({ kind: "retry" });
      expect(performance.now() - startedMs).toBeLessThan(20_000);
      silent.close();
    });
  });
});

test("a Unix socket takes requests like any other receiver", async () => {
  const paths: (string | undefined)[] = [];
  const server = http.createServer((request, response) => {
    paths.push(request.url);
    request.resume().on("end", () => response.writeHead(202).end("{}"));
  });
  const socket = join(directory, "intake.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const sink = sinkTo(`unix:${socket}:/own/path?a=1`, {}, { env: { HTTP_PROXY: "http://127.0.0.1:1" } });
  for (let i = 0; i < 2; i += 1) expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
  await sink.close();
  expect(paths).toEqual(["/own/path?a=1", "/own/path?a=1"]);
  await new Promise((resolve) => server.close(resolve));
  expect(await sendOnce(`unix:${socket}:/`)).toMatchObject({
    kind: "retry",
    reason: expect.stringContaining("ENOENT"),
  });
});

describe("headers of the configuration", () => {
  test("go with each request, but not over those of the sink", async () => {
    await using server = await startServer([reply(202)]);
    await sendOnce(server.url, { headers: { "X-Tenant": "a", "DD-API-KEY": "other" } });
    expect(server.seen[0]?.headers).toMatchObject({ "x-tenant": "a", "dd-api-key": "k" });
  });

  test("never show, even if the receiver repeats them", async () => {
    await using server = await startServer([reply(403, "no access for token-of-mine")]);
    const outcome = await sendOnce(server.url, { headers: { "X-Token": "token-of-mine" } });
    expect(outcome).toEqual({ kind: "blocked", reason: expect.stringContaining("no access for [secret]") });
  });

  test("that are short leave the answer legible", async () => {
    await using server = await startServer([reply(503, "100 0")]);
    expect(await sendOnce(server.url, { headers: { "X-Tenant": "0" } })).toMatchObject({ reason: "HTTP 503: 100 0" });
  });
});

const noGzip: Handler = (request, response) => {
  const status = request.headers["content-encoding"] === undefined ? 202 : 415;
  response.writeHead(status).end("{}");
};

describe("a receiver that refuses gzip", () => {
  test("gets the same body without it at once, and no gzip any more", async () => {
    await using server = await startServer([noGzip]);
    const sink = sinkTo(server.url, { compression: "gzip" });
    for (let i = 0; i < 3; i += 1) expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
    await sink.close();
    const bodies = server.seen.map(({ headers, body }) =>
      headers["content-encoding"] === "gzip" ? `gzip of ${gunzipSync(body).toString()}` : body.toString(),
    );
    expect(bodies).toEqual(["gzip of [1]", "[1]", "[1]", "[1]"]);
  });

  test("is tried again with gzip after it was blocked", async () => {
    await using server = await startServer([noGzip]);
    const sink = sinkTo(server.url, { compression: "gzip" });
    await sink.send(BODY, never());
    await sink.refresh?.();
    await sink.send(BODY, never());
    await sink.close();
    expect(server.seen.map(({ headers }) => headers["content-encoding"])).toEqual([
      "gzip",
      undefined,
      "gzip",
      undefined,
    ]);
  });

  test("and the plain body too is wrongly set up", async () => {
    await using server = await startServer([reply(415)]);
    expect(await sendOnce(server.url, { compression: "gzip" })).toMatchObject({ kind: "blocked" });
    expect(server.seen).toHaveLength(2);
  });
});

test("a renewed client certificate is used without a fault, a refresh or a restart", async () => {
  const names: unknown[] = [];
  const strict = { ...credentials("server"), ca: readFileSync(pem("ca.pem")), requestCert: true };
  const note: Handler = (_request, response, socket) => {
    if ("getPeerCertificate" in socket && typeof socket.getPeerCertificate === "function") {
      names.push(socket.getPeerCertificate().subject.CN);
    }
    response.writeHead(202).end("{}");
  };
  await using server = await startServer([note], strict);
  const [cert, key] = [join(directory, "own.pem"), join(directory, "own.key")];
  const renew = (name: string): void => {
    for (const [from, to] of [
      [`${name}.pem`, cert],
      [`${name}.key`, key],
    ] as const) {
      copyFileSync(pem(from), `${to}.new`);
      renameSync(`${to}.new`, to);
    }
  };
  renew("client");
  const clock = new TestClock();
  const sink = sinkTo(server.url, { tls: { ...tls, cert, key } }, { clock });
  expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
  renew("other");
  expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
  await clock.advance(10_000);
  expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
  rmSync(cert);
  await clock.advance(10_000);
  expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
  await sink.close();
  expect(names).toEqual([names[0], names[0], names[2], names[2]]);
  expect(names[2]).not.toBe(names[0]);
});
