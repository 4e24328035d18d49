import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toUtf8 } from "../../src/sinks/utf8.ts";

test.each([[""], ["ascii"], ["é"], ["a€"], ["😀 and text"], ["\ud800 alone"], ["x".repeat(70_000) + "ü"]])(
  "%j is encoded as Buffer.from does",
  (text) => {
    expect(toUtf8(text).equals(Buffer.from(text))).toBe(true);
  },
);

test("any string is encoded as Buffer.from does", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(toUtf8(text)).toEqual(Buffer.from(text));
    }),
  );
});
