import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { faultAt } from "../../src/demo/faults.ts";
import { Intake } from "../../src/demo/intake.ts";

const DATADOG = "/api/v2/logs";
const SPLUNK = "/services/collector/event";
const KEY = { "dd-api-key": "k" };
const TOKEN = { authorization: "Splunk t" };

let elapsedMs = 0;
let intake: Intake;
beforeEach(async () => {
  elapsedMs = 0;
  const clock = { now: () => elapsedMs, elapsed: () => elapsedMs, sleep: async () => {} };
  intake = await Intake.listen({ host: "127.0.0.1", port: 0, clock });
});
afterEach(() => intake.close());

const post = (path: string, body: string | Buffer<ArrayBuffer>, headers: Record<string, string>): Promise<Response> =>
  fetch(`http://127.0.0.1:${intake.port}${path}`, { method: "POST", body, headers });

describe("the demo's intake", () => {
  test("takes Datadog logs with a 202", async () => {
    const response = await post(DATADOG, '[{"message":"seq=0"},{"message":"seq=1"}]', KEY);
    expect([response.status, await response.json()]).toEqual([202, {}]);
    expect(intake.tallies.datadog.sequences.count).toBe(2);
    expect(intake.tallies.splunk.sequences.count).toBe(0);
  });

  test("takes gzipped Splunk events with code 0", async () => {
    const body = gzipSync('{"event":{"seq":0}}{"event":"seq=1"}{"event":"seq=1"}');
    const response = await post(SPLUNK, body, { ...TOKEN, "content-encoding": "gzip" });
    expect([response.status, await response.json()]).toEqual([200, { text: "Success", code: 0 }]);
    const { sequences } = intake.tallies.splunk;
    expect([sequences.count, sequences.duplicates]).toEqual([2, 1]);
  });

  test.each<[what: string, path: string, body: string, headers: Record<string, string>, status: number]>([
    ["without a Datadog key", DATADOG, '[{"message":"x"}]', {}, 401],
    ["without a Splunk token", SPLUNK, '{"event":"x"}', {}, 401],
    ["with an unknown path", "/api/v1/logs", "[]", KEY, 404],
    ["that is not what its encoding says", DATADOG, "[]", { ...KEY, "content-encoding": "gzip" }, 400],
    ["with an unknown encoding", DATADOG, "[]", { ...KEY, "content-encoding": "br" }, 400],
    ["with an invalid body", DATADOG, "{}", KEY, 400],
    ["that is too large", DATADOG, "x".repeat(8_000_001), KEY, 413],
  ])("refuses a request %s", async (_, path, body, headers, status) => {
    expect((await post(path, body, headers)).status).toBe(status);
    expect(intake.refusals).toBe(1);
  });

  test("answers 429 with Retry-After in an outage of Datadog, and takes nothing", async () => {
    elapsedMs = 2_000;
    const response = await post(DATADOG, '[{"message":"seq=0"}]', KEY);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await post(SPLUNK, '{"event":"seq=0"}', TOKEN)).status).toBe(200);
    expect([intake.faults, intake.refusals, intake.tallies.datadog.sequences.count]).toEqual([1, 0, 0]);
  });

  test("answers 503 in an outage of Splunk, until it is healed", async () => {
    elapsedMs = 5_500;
    expect((await post(SPLUNK, '{"event":"seq=0"}', TOKEN)).status).toBe(503);
    intake.heal();
    expect((await post(SPLUNK, '{"event":"seq=0"}', TOKEN)).status).toBe(200);
  });

  test("says that it is healthy", async () => {
    const response = await fetch(`http://127.0.0.1:${intake.port}/services/collector/health`);
    expect([response.status, await response.json()]).toEqual([200, { text: "HEC is healthy", code: 17 }]);
  });
});

describe("outages", () => {
  test("both vendors have one in the first ten seconds, and are well most of the time", () => {
    for (const vendor of ["datadog", "splunk"] as const) {
      const faulty = Array.from({ length: 10_000 }, (_, ms) => faultAt(vendor, ms)).filter(
        (fault) => fault !== undefined,
      );
      expect(faulty.length).toBeGreaterThan(1_000);
      expect(faulty.length).toBeLessThan(3_000);
    }
  });

  test("come again", () => {
    expect([faultAt("splunk", 4_999), faultAt("splunk", 19_000)]).toEqual([undefined, { status: 503 }]);
  });
});
