import { expect, test } from "vitest";
import { Totals } from "../../src/telemetry/totals.ts";
import { agentStatus, type Counts, sinkStatus } from "./status.ts";

const delivered = (totals: Totals, account: Counts, before: Counts, stateDir = "/state"): number | undefined =>
  totals.of(agentStatus({ stateDir, sinks: [sinkStatus({ account, before })] })).get("datadog")?.deliveredBytes;

test("counters begin at 0, whatever the durable account holds", () => {
  const totals = new Totals();
  expect(delivered(totals, { deliveredBytes: 1_000 }, { deliveredBytes: 1_000 })).toBe(0);
  expect(delivered(totals, { deliveredBytes: 1_200 }, { deliveredBytes: 1_000 })).toBe(200);
});

test("counters do not fall while the files of the last run are found again", () => {
  const totals = new Totals();
  expect(delivered(totals, { deliveredBytes: 10 }, { deliveredBytes: 1_000 })).toBe(0);
  expect(delivered(totals, { deliveredBytes: 1_005 }, { deliveredBytes: 1_000 })).toBe(5);
  expect(delivered(totals, { deliveredBytes: 1_003 }, { deliveredBytes: 1_000 })).toBe(5);
});

test("counters go on across a reload, which begins with what the agent before had delivered", () => {
  const totals = new Totals();
  delivered(totals, { deliveredBytes: 500 }, {});
  expect(delivered(totals, { deliveredBytes: 700 }, { deliveredBytes: 500 })).toBe(700);
});

test("another state directory is another account", () => {
  const totals = new Totals();
  delivered(totals, { deliveredBytes: 500 }, {});
  expect(delivered(totals, { deliveredBytes: 40 }, { deliveredBytes: 30 }, "/other")).toBe(10);
});
