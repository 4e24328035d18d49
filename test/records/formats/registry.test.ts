import { expect, test } from "vitest";
import { detectFormat, formats, undecided } from "../../../src/records/formats/registry.ts";

const lines = (count: number, line = "plain"): string[] => Array.from({ length: count }, () => line);

test.each<[string, readonly string[], "json" | "raw" | undefined]>([
  ["nothing yet", [], undefined],
  ["one JSON object", ['{"a":1}'], "json"],
  ["a banner before the JSON", ["Starting ...", "v1.2", '{"a":1}'], "json"],
  ["a few lines of text", lines(19), undefined],
  ["enough lines of text", lines(20), "raw"],
  ["a JSON object that comes too late", [...lines(20), '{"a":1}'], "raw"],
  ["empty objects and arrays", lines(20, "{}").concat(lines(5, "[1]")), "raw"],
])("auto decides by %s", (_, sample, expected) => {
  expect(detectFormat(sample)).toBe(expected);
});

test("while auto is open a line is parsed as JSON where it is JSON", () => {
  expect(undecided('{"msg":"a"}')).toMatchObject({ message: "a", isObject: true });
  expect(undecided("text")).toEqual({});
});

test("raw reads nothing out of a line", () => {
  expect(formats["raw"]?.('{"msg":"a","level":"error"}')).toEqual({});
});
