import { expect, test } from "vitest";
import { flatten } from "../../src/sinks/flatten.ts";

test("names of nested attributes are joined by dots, and every value is a text", () => {
  const attributes = { a: "x", b: { c: 1, d: { e: true } }, f: ["y", 2], g: null, h: {} };
  expect(flatten(attributes)).toEqual([
    ["a", "x"],
    ["b.c", "1"],
    ["b.d.e", "true"],
    ["f", '["y",2]'],
  ]);
});
