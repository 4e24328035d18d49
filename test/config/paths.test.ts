import { describe, expect, test } from "vitest";
import { absolutePattern } from "../../src/config/paths.ts";
import { globRoot, isWithin } from "../../src/core/paths.ts";

describe("globRoot", () => {
  test.for([
    ["/var/log/app/**/*.log", "/var/log/app"],
    ["/var/log/*.log", "/var/log"],
    ["/var/log/app.log", "/var/log"],
    ["/var/log/{a,b}/x.log", "/var/log"],
    ["/*.log", "/"],
    ["/**/*.log", "/"],
  ] as const)("%s reads in %s", ([pattern, root]) => {
    expect(globRoot(pattern)).toBe(root);
  });
});

describe("isWithin", () => {
  test.for([
    ["/a/b", "/a", true],
    ["/a", "/a", true],
    ["/a", "/", true],
    ["/ab", "/a", false],
    ["/a", "/a/b", false],
    ["/a/..b", "/a", true],
  ] as const)("%s within %s: %s", ([path, directory, expected]) => {
    expect(isWithin(path, directory)).toBe(expected);
  });
});

describe("absolutePattern", () => {
  test.for([
    ["/var/log/*.log", "/srv", "/var/log/*.log"],
    ["*.log", "/srv", "/srv/*.log"],
    ["../x/*.log", "/srv/app", "/srv/x/*.log"],
    ["*.log", "/srv/[app]", "/srv/\\[app\\]/*.log"],
  ] as const)("%s in %s is %s", ([pattern, cwd, expected]) => {
    expect(absolutePattern(pattern, cwd)).toBe(expected);
  });
});
