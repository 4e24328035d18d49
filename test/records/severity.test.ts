import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonValue } from "../../src/core/record.ts";
import { parseSeverity } from "../../src/records/severity.ts";

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
  ["alert", 19],
  ["fatal", 21],
  ["emerg", 21],
  [10, 1],
  [20, 5],
  [30, 9],
  [40, 13],
  [50, 17],
  [60, 21],
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
