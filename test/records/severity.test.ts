import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonValue } from "../../src/core/record.ts";
import { parsePythonLevel, parseSeverity } from "../../src/records/severity.ts";

test.each<[string | number, number]>([
  ["trace", 1],
  ["DEBUG", 5],
  ["Info", 9],
  ["INFORMATION", 9],
  ["notice", 10],
  ["warn", 13],
  ["Warning", 13],
  ["error", 17],
  ["ERR", 17],
  ["severe", 17],
  ["critical", 18],
  ["LOG", 9],
  ["DEBUG1", 5],
  ["DEBUG5", 5],
  ["alert", 19],
  ["fatal", 21],
  ["emerg", 21],
  [10, 1],
  [20, 5],
  [30, 9],
  [40, 13],
  [50, 17],
  [60, 21],
  [0, 21],
  [1, 19],
  [2, 18],
  [3, 17],
  [4, 13],
  [5, 10],
  [6, 9],
  [7, 5],
  ["6", 9],
  ["30", 9],
  [5_000, 1],
  [20_000, 9],
  ["40000", 17],
  [50_000, 21],
  ["SEVERE", 17],
  ["CONFIG", 6],
  ["FINEST", 1],
  ["silly", 1],
  ["http", 9],
  ["verbose", 5],
  ["CRITICAL", 18],
  ["Information", 9],
  ["dpanic", 18],
  ["trace8", 1],
  ["I", 9],
  ["W", 13],
  ["E", 17],
  ["F", 21],
])("%j has the severity number %d", (value, number) => {
  expect(parseSeverity(value)).toEqual({ number, text: String(value) });
});

test.each<[JsonValue | undefined]>([
  ["constructor"],
  ["__proto__"],
  ["hasownproperty"],
  ["valueof"],
  ["whatever"],
  [""],
  [" info"],
  ["info".padEnd(17, "o")],
  ["x".repeat(1_000_000)],
  [35],
  [8],
  ["8"],
  ["030"],
  ["1e1"],
  [30.5],
  [-10],
  [Number.NaN],
  [true],
  [null],
  [["error"]],
  [{ level: "error" }],
  [undefined],
])("%j has none", (value) => {
  expect(parseSeverity(value)).toBeUndefined();
});

test.each<[JsonValue | undefined, number | undefined]>([
  [10, 5],
  [20, 9],
  [30, 13],
  ["40", 17],
  [50, 18],
  [0, undefined],
  [15, undefined],
  [null, undefined],
  [[10], undefined],
])("Python's levelno %j has the severity number %j", (value, number) => {
  expect(parsePythonLevel(value)?.number).toBe(number);
});

test("whatever a field holds, the severity is on the scale", () => {
  const value = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.integer(),
    fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)),
  );
  fc.assert(
    fc.property(value, (field) => {
      const severity = parseSeverity(field);
      if (severity === undefined) return;
      expect(severity.number).toBeGreaterThanOrEqual(1);
      expect(severity.number).toBeLessThanOrEqual(24);
    }),
  );
});
