import { describe, expect, test } from "vitest";
import { compilePattern } from "../../src/core/pattern.ts";

describe("a pattern", () => {
  test("names its groups, also those that took no part", () => {
    const pattern = compilePattern(String.raw`(?<level>[A-Z]+)(?: (?<code>\d+))?: (?<text>.*)`);
    expect(pattern.groups).toEqual(["level", "code", "text"]);
    expect(pattern.match("2026 WARN: low")).toEqual({ level: "WARN", code: undefined, text: "low" });
    expect(pattern.match("no level")).toBeUndefined();
  });

  test("replaces by the text as it stands, whatever a dollar or a backslash means elsewhere", () => {
    expect(compilePattern("a+").replaceAll("caat ba", "$1\\")).toBe("c$1\\t b$1\\");
  });

  test("takes linear time where a backtracking engine takes for ever", () => {
    expect(compilePattern("(a+)+$").test(`${"a".repeat(50_000)}b`)).toBe(false);
  });

  test.each(["(", String.raw`(a)\1`, "a(?=b)"])("refuses %s", (source) => {
    expect(() => compilePattern(source)).toThrow(/./);
  });
});
