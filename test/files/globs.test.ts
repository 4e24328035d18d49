import { describe, expect, test } from "vitest";
import { compileGlobs } from "../../src/files/globs.ts";

test.each<[string, readonly string[]]>([
  ["/var/log/app/*.log", ["/var/log/app"]],
  ["/var/log/**/*.log", ["/var/log"]],
  ["/var/log/app.log", ["/var/log"]],
  ["/app.log", ["/"]],
  ["/*.log", ["/"]],
  ["/var/*/app/x.log", ["/var"]],
  ["/var/log/{a,b}/*.log", ["/var/log"]],
  ["/var/log/app-[0-9].log", ["/var/log"]],
  ["/var/log/a?.log", ["/var/log"]],
])("the root of %s is %j", (pattern, roots) => {
  expect(compileGlobs([pattern], []).roots).toEqual(roots);
});

test("several patterns below one directory have one root", () => {
  expect(compileGlobs(["/l/*.log", "/l/*.txt", "/m/x"], []).roots).toEqual(["/l", "/m"]);
});

test.each<[string, string, boolean]>([
  ["/l/*.log", "/l/a.log", true],
  ["/l/*.log", "/l/a.log.1", false],
  ["/l/*.log", "/l/sub/a.log", false],
  ["/l/*.log*", "/l/a.log.1", true],
  ["/l/**/*.log", "/l/a.log", true],
  ["/l/**/*.log", "/l/x/y/a.log", true],
  ["/l/a.log", "/l/a.log", true],
  ["/l/a.log", "/l/axlog", false],
  ["/l/{a,b}.log", "/l/b.log", true],
  ["/l/a[12].log", "/l/a3.log", false],
  ["/l/*.log", "/l/A.LOG", false],
  ["/l/*.log", "/l/line\nfeed.log", true],
])("%s and %j: %s", (pattern, path, expected) => {
  expect(compileGlobs([pattern], []).matches(path)).toBe(expected);
});

test("what is excluded does not match", () => {
  const globs = compileGlobs(["/l/**/*.log"], ["/l/**/debug*.log", "/l/tmp/**"]);
  expect(["/l/a.log", "/l/x/debug-1.log", "/l/tmp/x/a.log"].map((path) => globs.matches(path))).toEqual([
    true,
    false,
    false,
  ]);
});

describe("the depth", () => {
  test.each<[string, string, number]>([
    ["/l/*.log", "/l", 0],
    ["/l/*/*.log", "/l", 1],
    ["/l/**/*.log", "/l", Number.POSITIVE_INFINITY],
    ["/l/{a,b/c}/*.log", "/l", Number.POSITIVE_INFINITY],
    ["/l/a.log", "/l", 0],
  ])("of %s below %s is %d", (pattern, root, depth) => {
    expect(compileGlobs([pattern], []).depthBelow(root)).toBe(depth);
  });

  test("is that of the deepest pattern of a root", () => {
    expect(compileGlobs(["/l/*.log", "/l/*/*/*.log"], []).depthBelow("/l")).toBe(2);
  });
});
