import { expect, test } from "vitest";
import { describeError, errorCode, EXIT, UserError } from "../../src/core/errors.ts";

test.each<[unknown, string | undefined]>([
  [Object.assign(new Error("no"), { code: "ENOENT" }), "ENOENT"],
  [Object.assign(new Error("no"), { code: 2 }), undefined],
  [new Error("no"), undefined],
  [{ code: "ENOENT" }, undefined],
  [undefined, undefined],
])("the code of %o is %s", (error, expected) => {
  expect(errorCode(error)).toBe(expected);
});

test.each<[unknown, string]>([
  [new Error("broken"), "broken"],
  ["text", "text"],
  [undefined, "undefined"],
])("%o is described as %s", (error, expected) => {
  expect(describeError(error)).toBe(expected);
});

test("a user's error carries its exit code", () => {
  expect(new UserError("x").exitCode).toBe(EXIT.failed);
  expect(new UserError("x", EXIT.config).exitCode).toBe(78);
});
