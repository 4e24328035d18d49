import { expect, test } from "vitest";
import { nearest } from "../../src/config/nearest.ts";

const known = ["site", "endpoint", "apiKey", "tags", "splunkHec", "quietPeriod"];

test.for([
  ["siet", "site"],
  ["sit", "site"],
  ["api_key", "apiKey"],
  ["apikey", "apiKey"],
  ["API-KEY", "apiKey"],
  ["tag", "tags"],
  ["splunk", "splunkHec"],
  ["quietPeriode", "quietPeriod"],
  ["enpoint", "endpoint"],
  ["colour", undefined],
  ["x", undefined],
  ["", undefined],
  ["site".repeat(100), undefined],
] as const)("%j is meant to be %j", ([word, expected]) => {
  expect(nearest(word, known)).toBe(expected);
});
