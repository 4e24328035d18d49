import { expect, test } from "vitest";
import { remarkable } from "../../src/demo/remarkable.ts";
import { sleepingClock } from "./clock.ts";

test("repeated failures of a sink are told of once a second, and files not at all", () => {
  const told: string[] = [];
  const clock = sleepingClock();
  const emit = remarkable((event) => told.push(event.kind), clock);
  const fail = () => emit({ kind: "sink.failing", sink: "splunk", reason: "HTTP 503", waitMs: 1, failures: 1 });
  fail();
  fail();
  emit({ kind: "file.released", path: "/x" });
  void clock.sleep(1_000);
  fail();
  emit({ kind: "sink.recovered", sink: "splunk", outageMs: 1 });
  fail();
  expect(told).toEqual(["sink.failing", "sink.failing", "sink.recovered", "sink.failing"]);
});
