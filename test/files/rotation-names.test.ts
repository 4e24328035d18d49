import { expect, test } from "vitest";
import { generationsLike, byRotation, isRotatedName, liveNameOf } from "../../src/files/rotation-names.ts";

test.each([
  "app.log.1",
  "app.log.10",
  "app.log-20261123",
  "app.log-20261123-1763884800",
  "app.log.2026-11-23",
  "app.log.2026-11-23_10",
  "app.log.2026-11-23T10:00:00Z",
  "app.log.old",
  "app.log.bak",
  "app.log.prev",
  "app.log~1",
  "app.log.1.2",
  "app-2026-11-23.log",
  "app.2026-11-23.log",
  "app_1.log",
  "app.1.log",
  "app-2026-11-23T10-00-00.000.log",
  "app.log.gz",
  "app.log.1.gz",
  "app.log-20261123.zst",
  "app__2026-11-23_10-00-00.log",
  "app__2026-11-23_10-00-00.log.gz",
  "20261123-1000-01-app.log",
  "20261123-1000-01-app.log.gz",
  "2026-11-23.app.log",
])("%s is an older generation of app.log", (name) => {
  expect(isRotatedName(name, "/var/log/app.log")).toBe(true);
});

test.each([
  "app.log",
  "app.log.swp",
  "app.logger",
  "app.log1",
  "application.log",
  "app-error.log",
  "app-server-1.log",
  "myapp.log.1",
  "12-app.log",
  "10245678-app.log",
  "web-20261123-app.log",
  "20261123app.log",
  "@400000006925c1e80ee6b280.s",
  "app___1.log",
  "app.txt",
  "app1.log",
  ".log",
  "",
  "app.log.",
])("%j is none", (name) => {
  expect(isRotatedName(name, "app.log")).toBe(false);
});

test("a live name without an extension has older generations too", () => {
  expect(isRotatedName("access_log.1", "access_log")).toBe(true);
  expect(isRotatedName("messages-20261123", "messages")).toBe(true);
  expect(isRotatedName("syslog2", "syslog")).toBe(false);
});

test.each(["@400000006925c1e80ee6b280.s", "@400000006925c1e80ee6b280.u", "@400000006925c1e80ee6b280"])(
  "%s, with the label that multilog, svlogd and s6-log give, is an older generation of current",
  (name) => {
    expect(isRotatedName(name, "current")).toBe(true);
    expect(isRotatedName(`${name}x`, "current")).toBe(false);
    expect(liveNameOf(name, (candidate) => candidate === "current")).toBe("current");
  },
);

test.each<[string, readonly string[], string | undefined]>([
  ["app.log.1", ["app.log"], "app.log"],
  ["app.log.1.2", ["app.log"], "app.log"],
  ["app-2026-11-23.log", ["app.log"], "app.log"],
  ["app.log-20261123-1763884800", ["app.log"], "app.log"],
  ["20261123-1000-01-app.log.gz", ["app.log"], "app.log"],
  ["20261123-1000-01-app.log", ["log"], undefined],
  ["app__2026-11-23_10-00-00.log", ["app.log"], "app.log"],
  ["app.log.1", ["other.log"], undefined],
  ["app.log", ["app.log"], undefined],
  ["app-error.log", ["app.log"], undefined],
  ["app", ["app"], undefined],
  ["", [""], undefined],
])("the live name of %j among %j is %j", (name, live, expected) => {
  expect(liveNameOf(name, (candidate) => live.includes(candidate))).toBe(expected);
});

test("a hostile name takes no time", () => {
  const name = `app.log.${"1.".repeat(120)}x`;
  const before = performance.now();
  for (let i = 0; i < 100; i += 1) {
    isRotatedName(name, "app.log");
    liveNameOf(name, () => true);
  }
  expect(performance.now() - before).toBeLessThan(1_000);
});

test.each<[string, readonly string[], readonly string[]]>([
  ["app.log", ["app.log", "app.log.1", "app.log.2"], ["app.log.2", "app.log.1", "app.log"]],
  ["app.log", ["app.log.9", "app.log.10", "app.log.1"], ["app.log.10", "app.log.9", "app.log.1"]],
  ["app.log", ["app.1.log", "app.2.log", "app.log"], ["app.2.log", "app.1.log", "app.log"]],
  ["app.log", ["app.log", "app.log-20261124", "app.log-20261123"], ["app.log-20261123", "app.log-20261124", "app.log"]],
  ["app.log", ["app-2026-11-24.log", "app-2026-11-23.log"], ["app-2026-11-23.log", "app-2026-11-24.log"]],
  [
    "app.log",
    ["app.log.2026-11-23.10.gz", "app.log.2026-11-23.9.gz"],
    ["app.log.2026-11-23.9.gz", "app.log.2026-11-23.10.gz"],
  ],
  ["app.log", ["app.log.20261123.1", "app.log.20261123"], ["app.log.20261123", "app.log.20261123.1"]],
  [
    "current",
    ["current", "@40000000692ac1e80ee6b280.s", "@400000006929c1e80ee6b280.s"],
    ["@400000006929c1e80ee6b280.s", "@40000000692ac1e80ee6b280.s", "current"],
  ],
])("by their names alone the generations of %s are in the order of their age: %j", (live, names, expected) => {
  expect([...names].sort((a, b) => byRotation(a, b, live))).toEqual(expected);
});

test.each<[string, readonly string[], readonly string[]]>([
  ["app.log.2.gz", ["app.log.1", "app.log", "app.log.1.gz"], ["web.log.1", "app.log.err", "app"]],
  ["app-2026-11-23.log.zst", ["app-2026-11-22.log", "app.log"], ["web-2026-11-22.log", "app-x.log"]],
  ["20261123-1000-01-app.log.gz", ["20261123-1000-02-app.log", "app.log"], ["20261123-1000-01-web.log"]],
  ["@400000006925c1e80ee6b280.s", ["@400000006925c1e90ee6b280.s", "current"], ["@400000006925c1e9"]],
  ["app.log", [], ["web.log", "app.log.1"]],
])(
  "generations of the same live file as %s, which need not be there, are known by their names",
  (name, like, other) => {
    const isLike = generationsLike(name);
    expect([like.filter(isLike), other.filter(isLike)]).toEqual([like, []]);
  },
);
