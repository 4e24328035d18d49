import { describe, expect, test } from "vitest";
import { compilePattern, pattern } from "../../src/core/pattern.ts";

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

  test("finds every match that is not empty, in UTF-16 units", () => {
    const found: string[] = [];
    const text = "é😀 42 x 7";
    compilePattern(String.raw`\d*`).find(text, (start, end) => found.push(text.slice(start, end)));
    expect(found).toEqual(["42", "7"]);
  });

  test("takes linear time where a backtracking engine takes for ever", () => {
    expect(compilePattern("(a+)+$").test(`${"a".repeat(50_000)}b`)).toBe(false);
  });

  const faulty = [
    "(",
    String.raw`(a)\1`,
    "a(?=b)",
    "((a{100}){100}){100}",
    String.raw`\pL{999}`.repeat(9),
    "a".repeat(1_025),
  ];

  test.each(faulty)("refuses %s", (source) => {
    expect(() => compilePattern(source)).toThrow(/./);
  });

  test("as an option is its own text, which can be compared and shown", () => {
    expect(pattern().parse("a+")).toBe("a+");
    expect(pattern().safeParse("(").error?.issues[0]?.message).toMatch(/^expected a pattern in RE2 syntax: ./);
  });
});
