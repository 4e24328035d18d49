import { expect, test } from "vitest";
import { classifyDatadog } from "../../../src/sinks/datadog/classify.ts";
import { NOW } from "../support.ts";

const classify = (status: number, headers: Record<string, string> = {}, body = "{}") =>
  classifyDatadog({ status, headers, body }, NOW);

test.each([
  [202, "delivered"],
  [200, "retry"],
  [201, "retry"],
  [204, "retry"],
  [301, "blocked"],
  [302, "blocked"],
  [304, "blocked"],
  [307, "blocked"],
  [400, "rejected"],
  [401, "blocked"],
  [403, "blocked"],
  [404, "blocked"],
  [405, "blocked"],
  [408, "retry"],
  [410, "blocked"],
  [413, "tooLarge"],
  [415, "blocked"],
  [429, "retry"],
  [500, "retry"],
  [501, "retry"],
  [502, "retry"],
  [503, "retry"],
  [504, "retry"],
  [599, "retry"],
])("%d means %s", (status, kind) => {
  expect(classify(status).kind).toBe(kind);
});

test.each([
  [429, 7_000],
  [503, 7_000],
  [500, undefined],
  [408, undefined],
])("Retry-After of a %d is %s ms", (status, afterMs) => {
  expect(classify(status, { "retry-after": "7" })).toMatchObject({ kind: "retry", afterMs });
});

test("a reason has the status and the start of the body, fit for a terminal", () => {
  const body = `{"errors":[\n\u001b[31m"bad"\u202e]}${"x".repeat(1_000)}`;
  const outcome = classify(400, {}, body);
  expect(outcome).toMatchObject({ kind: "rejected" });
  const reason = "reason" in outcome ? outcome.reason : "";
  expect(reason).toMatch(/^HTTP 400: \{"errors":\[ \[31m"bad" \]\}x+$/);
  expect(reason.length).toBeLessThan(220);
});
