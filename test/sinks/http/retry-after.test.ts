import { expect, test } from "vitest";
import { retryReply } from "../../../src/sinks/http/reply.ts";
import { parseRetryAfter } from "../../../src/sinks/http/retry-after.ts";

const NOW = Date.parse("Thu, 01 Jan 2026 00:00:00 GMT");

test.each<[string | undefined, number | undefined]>([
  ["1", 1_000],
  [" 30 ", 30_000],
  ["300", 300_000],
  ["301", 301_000],
  ["9".repeat(22), (1e22 - 1) * 1_000],
  ["Thu, 01 Jan 2026 00:00:10 GMT", 10_000],
  ["Thursday, 01-Jan-26 00:00:10 GMT", 10_000],
  ["Thu Jan  1 00:00:10 2026", 10_000],
  ["Fri, 02 Jan 2026 00:00:00 GMT", 86_400_000],
  [undefined, undefined],
  ["", undefined],
  ["0", undefined],
  ["-5", undefined],
  ["1.5", undefined],
  ["1e3", undefined],
  ["0x10", undefined],
  ["soon", undefined],
  ["Infinity", undefined],
  ["2026-01-01T00:00:10Z", undefined],
  ["Thu, 99 Foo 2026 00:00:10 GMT", undefined],
  ["Wed, 31 Dec 2025 23:59:59 GMT", undefined],
])("Retry-After %j asks to wait %s ms", (header, expected) => {
  expect(parseRetryAfter(header, NOW)).toBe(expected);
});

test("a date is counted from the receiver's clock, where it tells it", () => {
  const at = Date.parse("2026-01-01T00:00:00Z");
  const inAMinute = { "retry-after": new Date(at + 60_000).toUTCString() };
  const reply = { status: 429, body: "" };
  // Ours is six hours ahead.
  const nowMs = at + 6 * 3_600_000;
  const told = retryReply({ ...reply, headers: { ...inAMinute, date: new Date(at).toUTCString() } }, nowMs);
  expect(told).toMatchObject({ kind: "retry", afterMs: 60_000 });
  for (const date of [undefined, "yesterday"])
    expect(retryReply({ ...reply, headers: { ...inAMinute, date } }, at)).toMatchObject({ afterMs: 60_000 });
});
