import { expect, test } from "vitest";
import { classifyFailure } from "../../../src/sinks/http/failure.ts";

const coded = (code: string, message = `request failed, ${code}`): Error => Object.assign(new Error(message), { code });

test.each([
  ["ECONNREFUSED", "retry"],
  ["ECONNRESET", "retry"],
  ["EPIPE", "retry"],
  ["ETIMEDOUT", "retry"],
  ["ENOTFOUND", "retry"],
  ["EAI_AGAIN", "retry"],
  ["EHOSTUNREACH", "retry"],
  ["EPROTO", "retry"],
  ["HPE_INVALID_CONSTANT", "retry"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "blocked"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "blocked"],
  ["CERT_HAS_EXPIRED", "blocked"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "blocked"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "blocked"],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "blocked"],
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "blocked"],
  ["ERR_INVALID_CHAR", "blocked"],
])("%s means %s", (code, kind) => {
  expect(classifyFailure(coded(code)).kind).toBe(kind);
});

test("a reason names the code, even when the message is empty or the thrown thing is no error", () => {
  expect(classifyFailure(coded("ECONNREFUSED", ""))).toEqual({ kind: "retry", reason: "ECONNREFUSED " });
  expect(classifyFailure("gone")).toEqual({ kind: "retry", reason: "gone" });
});

test("a reason is short", () => {
  expect(classifyFailure(new Error("x".repeat(10_000)))).toEqual({ kind: "retry", reason: "x".repeat(300) });
});
