import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Sink } from "../../../src/core/sink.ts";
import { datadog } from "../../../src/sinks/datadog/sink.ts";
import { createSink, never } from "../support.ts";
import { reply, startServer } from "./server.ts";
import { credentials, pem } from "../../support/certificates.ts";

const directory = mkdtempSync(join(tmpdir(), "tailcar-tls-"));
afterAll(() => rmSync(directory, { recursive: true }));

const BODY = Buffer.from("[]");
const sinkTo = (endpoint: string, tls?: Record<string, unknown>): Sink =>
  createSink(datadog, { apiKey: "k", endpoint, ...(tls === undefined ? {} : { tls }) });

async function sendOnce(endpoint: string, tls?: Record<string, unknown>) {
  const sink = sinkTo(endpoint, tls);
  const outcome = await sink.send(BODY, never());
  await sink.close();
  return outcome;
}

describe("the server's certificate", () => {
  test.each<[string, string, Record<string, unknown> | undefined, string]>([
    ["of a trusted authority is taken", "server", { ca: pem("ca.pem") }, "delivered"],
    ["of an unknown authority blocks the sink", "server", undefined, "blocked"],
    ["for another name blocks the sink", "other", { ca: pem("ca.pem") }, "blocked"],
    ["for the name that is asked for is taken", "other", { ca: pem("ca.pem"), serverName: "other.test" }, "delivered"],
    ["is not looked at when that is switched off", "other", { insecureSkipVerify: true }, "delivered"],
    ["is taken over TLS 1.3 alone", "server", { ca: pem("ca.pem"), minVersion: "TLSv1.3" }, "delivered"],
  ])("%s", async (_name, certificate, tls, kind) => {
    await using server = await startServer([reply(202)], credentials(certificate));
    expect(await sendOnce(server.url, tls)).toMatchObject({ kind });
    expect(server.seen).toHaveLength(kind === "delivered" ? 1 : 0);
  });

  test("one connection is used for many requests", async () => {
    await using server = await startServer([reply(202)], credentials("server"));
    const sink = sinkTo(server.url, { ca: pem("ca.pem") });
    for (let i = 0; i < 20; i++) expect((await sink.send(BODY, never())).kind).toBe("delivered");
    expect(server.sockets).toHaveLength(1);
    await sink.close();
  });

  test("a server that speaks no TLS is a reason to try again", async () => {
    await using server = await startServer([reply(202)]);
    expect(await sendOnce(server.url.replace("http:", "https:"))).toEqual({
      kind: "retry",
      reason: "the server does not answer in TLS: is it http:// that it speaks?",
    });
  });

  test("of an unknown authority says which option names one", async () => {
    await using server = await startServer([reply(202)], credentials("server"));
    const { reason } = { reason: "", ...(await sendOnce(server.url)) };
    expect(reason).toMatch(/; name its authority in tls\.ca$/);
    expect(reason).not.toContain("Node.js");
  });
});

describe("the client's certificate", () => {
  const strict = { ...credentials("server"), ca: readFileSync(pem("ca.pem")), requestCert: true };

  test("is shown to the server", async () => {
    await using server = await startServer([reply(202)], strict);
    const tls = { ca: pem("ca.pem"), cert: pem("client.pem"), key: pem("client.key") };
    expect(await sendOnce(server.url, tls)).toEqual({ kind: "delivered" });
  });

  test("that is missing blocks the sink", async () => {
    await using server = await startServer([reply(202)], strict);
    expect(await sendOnce(server.url, { ca: pem("ca.pem") })).toMatchObject({ kind: "blocked" });
  });
});

describe("TLS files", () => {
  test.each([
    ["is missing", join(directory, "none.pem"), /tls\.cert: ENOENT/],
    ["is no certificate", pem("client.key"), /the TLS settings cannot be used/],
  ])("one that %s blocks the sink", async (_name, cert, reason) => {
    const tls = { cert, key: pem("client.key") };
    const outcome = await sendOnce("https://127.0.0.1:1", tls);
    expect(outcome).toEqual({ kind: "blocked", reason: expect.stringMatching(reason) });
  });

  test("are read again by a refresh", async () => {
    await using server = await startServer([reply(202)], credentials("server"));
    const ca = join(directory, "ca.pem");
    const sink = sinkTo(server.url, { ca });
    expect(await sink.send(BODY, never())).toMatchObject({ kind: "blocked" });
    copyFileSync(pem("ca.pem"), ca);
    await sink.refresh?.();
    expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
    await sink.close();
  });

  test("that became unreadable leave the working ones in use", async () => {
    await using server = await startServer([reply(202)], credentials("server"));
    const ca = join(directory, "half-written.pem");
    copyFileSync(pem("ca.pem"), ca);
    const sink = sinkTo(server.url, { ca });
    rmSync(ca);
    await sink.refresh?.();
    expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
    writeFileSync(ca, "-----BEGIN CERTIFICATE-----\nhalf");
    await sink.refresh?.();
    expect(await sink.send(BODY, never())).toEqual({ kind: "delivered" });
    await sink.close();
  });
});
