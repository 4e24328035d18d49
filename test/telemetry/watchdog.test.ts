import { describe, expect, test } from "vitest";
import { Watchdog } from "../../src/telemetry/watchdog.ts";
import { agentStatus, failing, sinkStatus, type SinkWish } from "./status.ts";

const MINUTE = 60_000;

/** What is told of one sink after it was seen first so and, six minutes later, so. */
function stalledAfter(first: SinkWish, then: SinkWish, ms = 6 * MINUTE): readonly string[] {
  const watchdog = new Watchdog();
  watchdog.look(agentStatus({ sinks: [sinkStatus(first)] }), 0);
  return watchdog.look(agentStatus({ sinks: [sinkStatus(then)], lookedAtMs: ms }), ms);
}

const busy = { isBusy: true, account: { totalBytes: 100, pendingBytes: 40 } };

describe("a sink", () => {
  test("that has work, does not fail and gets nowhere stands still", () => {
    expect(stalledAfter(busy, busy)).toEqual(["datadog has got nowhere for 360 s, and is not failing"]);
  });

  test.each<[string, SinkWish, SinkWish]>([
    ["has got on with its bytes", busy, { ...busy, account: { totalBytes: 100, pendingBytes: 39 } }],
    ["had a request taken", busy, { ...busy, succeededAtMs: 5 }],
    ["waits for something", busy, { ...busy, isBusy: false }],
    ["is failing", busy, { ...busy, isBusy: false, gate: failing("HTTP 503") }],
    ["has just got work after a long rest", { ...busy, isBusy: false }, busy],
  ])("that %s does not", (_what, first, then) => expect(stalledAfter(first, then)).toEqual([]));

  test("has some minutes", () => expect(stalledAfter(busy, busy, 4 * MINUTE)).toEqual([]));

  test("that has got on is well again", () => {
    const watchdog = new Watchdog();
    const at = (pendingBytes: number, ms: number): readonly string[] =>
      watchdog.look(
        agentStatus({
          sinks: [sinkStatus({ isBusy: true, account: { totalBytes: 100, pendingBytes } })],
          lookedAtMs: ms,
        }),
        ms,
      );
    at(40, 0);
    expect(at(40, 6 * MINUTE)).toHaveLength(1);
    expect(at(39, 7 * MINUTE)).toEqual([]);
    expect(at(39, 11 * MINUTE)).toEqual([]);
    expect(at(39, 13 * MINUTE)).toHaveLength(1);
  });
});

describe("looking at the files", () => {
  test("is missed after some minutes", () => {
    expect(new Watchdog().look(agentStatus({ lookedAtMs: 0 }), 6 * MINUTE)).toEqual([
      "the files have not been looked at for 360 s",
    ]);
  });

  test.each(["starting", "draining"] as const)("is not missed while %s", (state) => {
    expect(new Watchdog().look(agentStatus({ lookedAtMs: 0, state }), 6 * MINUTE)).toEqual([]);
  });
});
