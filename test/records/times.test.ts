import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileTimeFormat } from "../../src/core/time-format.ts";
import { createTimeZone, fromLocal } from "../../src/core/time-zone.ts";
import { parseTimestamp } from "../../src/records/timestamp.ts";
import { context, instant } from "./context.ts";

test.each([
  ["common log format", "02/Jan/2026:03:04:05 +0100", "2026-01-02T02:04:05Z"],
  ["Python's http.server", "02/Jan/2026 03:04:05", "2026-01-02T03:04:05Z"],
  ["Python's logging", "2026-01-02 03:04:05,678", "2026-01-02T03:04:05.678Z"],
  ["logback and Spring Boot", "2026-01-02T03:04:05.678+01:00", "2026-01-02T02:04:05.678Z"],
  ["log4j's DATE", "02 Jan 2026 03:04:05,678", "2026-01-02T03:04:05.678Z"],
  ["java.util.logging", "Jan 02, 2026 3:04:05 PM", "2026-01-02T15:04:05Z"],
  ["java.util.logging since Java 20", "Jan 2, 2026 12:04:05\u202FAM", "2026-01-02T00:04:05Z"],
  ["Tomcat", "02-Jan-2026 03:04:05.678", "2026-01-02T03:04:05.678Z"],
  ["Java's Date", "Fri Jan 02 03:04:05 UTC 2026", "2026-01-02T03:04:05Z"],
  ["Go's log", "2026/01/02 03:04:05", "2026-01-02T03:04:05Z"],
  ["Go's log with microseconds", "2026/01/02 03:04:05.678901", "2026-01-02T03:04:05.678901Z"],
  ["Go's Time.String", "2026-01-02 03:04:05.678901234 +0100 CET", "2026-01-02T02:04:05.678901234Z"],
  ["Go's RFC3339Nano", "2026-01-02T03:04:05.678901234Z", "2026-01-02T03:04:05.678901234Z"],
  ["Ruby's Logger", "2026-01-02T03:04:05.678901", "2026-01-02T03:04:05.678901Z"],
  ["RFC 3164", "Jan  2 03:04:05", "2026-01-02T03:04:05Z"],
  ["RFC 3164 with a fraction", "Jan  2 03:04:05.678", "2026-01-02T03:04:05.678Z"],
  ["Cisco", "Jan  2 2025 03:04:05", "2025-01-02T03:04:05Z"],
  ["ctime", "Fri Jan  2 03:04:05 2026", "2026-01-02T03:04:05Z"],
  ["Apache's error log", "Fri Jan 02 03:04:05.678901 2026", "2026-01-02T03:04:05.678901Z"],
  ["HTTP", "Fri, 02 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05Z"],
  ["mail", "Fri, 02 Jan 2026 03:04:05 -0500", "2026-01-02T08:04:05Z"],
  ["PostgreSQL", "2026-01-02 03:04:05.678 UTC", "2026-01-02T03:04:05.678Z"],
  ["RFC 3339 in lower case", "2026-01-02t03:04:05.5z", "2026-01-02T03:04:05.5Z"],
  ["ISO 8601 without seconds", "2026-01-02T03:04Z", "2026-01-02T03:04:00Z"],
  ["seconds as text", "1767323045", "2026-01-02T03:04:05Z"],
  ["seconds with nanoseconds as text", "1767323045.678901234", "2026-01-02T03:04:05.678901234Z"],
  ["milliseconds as text", "1767323045678", "2026-01-02T03:04:05.678Z"],
  ["microseconds as text", "1767323045678901", "2026-01-02T03:04:05.678901Z"],
  ["nanoseconds as text", "1767323045678901234", "2026-01-02T03:04:05.678901234Z"],
])("%s writes %j", (_, text, expected) => {
  expect(parseTimestamp(text, context())).toEqual(instant(expected));
});

test.each([
  "03:04:05.678",
  "Foo  2 03:04:05",
  "Feb 30 03:04:05",
  "Jan  2",
  "Jan 02, 2026 13:04:05 PM",
  "31/Feb/2026:03:04:05 +0000",
  "02/01/2026 03:04:05",
  "Fri, 02 Jan 2026",
  "1970-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "0",
  "99999999999999999999",
])("%j is no time that can be trusted", (text) => {
  expect(parseTimestamp(text, context())).toBeUndefined();
});

describe("a time without a year", () => {
  test.each([
    ["2026-01-01T00:00:05Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"],
    ["2025-12-31T23:59:59Z", "Jan  1 00:00:01", "2026-01-01T00:00:01Z"],
    ["2026-12-20T00:00:00Z", "Jan  2 03:04:05", "2026-01-02T03:04:05Z"],
    ["2026-02-10T00:00:00Z", "Dec 31 23:59:59", "2025-12-31T23:59:59Z"],
    ["2026-11-24T00:00:00Z", "Nov 25 00:00:00", "2026-11-25T00:00:00Z"],
    ["2026-06-01T00:00:00Z", "Sep  1 00:00:00", "2025-09-01T00:00:00Z"],
    ["2026-06-01T00:00:00Z", "Feb 29 00:00:00", "2024-02-29T00:00:00Z"],
    ["2013-03-01T00:00:00Z", "Feb 28 00:00:00", "2013-02-28T00:00:00Z"],
  ])("in a file that was written last at %s: %s", (now, text, expected) => {
    expect(parseTimestamp(text, context(now))).toEqual(instant(expected));
  });

  test("gets the year of its own zone", () => {
    const inNewYork = context("2026-01-01T04:30:00Z", { timeZone: "America/New_York" });
    expect(parseTimestamp("Dec 31 23:29:00", inNewYork)).toEqual(instant("2026-01-01T04:29:00Z"));
  });
});

/** What clocks of the zone show at an instant, as if it were UTC. */
const shown = (utcMs: number, timeZone: string): number =>
  Date.parse(`${new Date(utcMs).toLocaleString("sv-SE", { timeZone }).replace(" ", "T")}Z`);

describe("a time zone", () => {
  test.each([
    ["Europe/Berlin", "2026-07-01 12:00:00", "2026-07-01T10:00:00Z"],
    ["Europe/Berlin", "2026-01-01 12:00:00", "2026-01-01T11:00:00Z"],
    ["Asia/Kolkata", "2026-01-01 12:00:00", "2026-01-01T06:30:00Z"],
    ["Australia/Sydney", "2026-01-01 12:00:00", "2026-01-01T01:00:00Z"],
    ["+05:30", "2026-01-01 12:00:00", "2026-01-01T06:30:00Z"],
    ["UTC", "2026-01-01 12:00:00", "2026-01-01T12:00:00Z"],
    ["Europe/Berlin", "2026-01-01 12:00:00Z", "2026-01-01T12:00:00Z"],
    ["Europe/Berlin", "02/Jan/2026:03:04:05 +0000", "2026-01-02T03:04:05Z"],
  ])("%s: %s", (timeZone, text, expected) => {
    expect(parseTimestamp(text, context(undefined, { timeZone }))).toEqual(instant(expected));
  });

  test.each([
    ["Europe/Berlin", "2024-03-31T02:30:00Z", "2024-03-31T01:30:00Z"],
    ["America/New_York", "2024-03-10T02:30:00Z", "2024-03-10T07:30:00Z"],
    ["Europe/Berlin", "2024-10-27T02:30:00Z", "2024-10-27T00:30:00Z"],
    ["America/New_York", "2024-11-03T01:30:00Z", "2024-11-03T05:30:00Z"],
  ])("%s: clocks that are put forward or back at %s", (zone, local, expected) => {
    expect(fromLocal(Date.parse(local), createTimeZone(zone))).toBe(Date.parse(expected));
  });

  test("shows what Intl shows, at any instant", () => {
    const zones = ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland"].map(createTimeZone);
    const seconds = fc.integer({ min: 946_684_800, max: 2_000_000_000 });
    fc.assert(
      fc.property(seconds, fc.constantFrom(...zones), (second, zone) => {
        const utcMs = second * 1_000;
        expect(utcMs + zone.offsetAt(utcMs)).toBe(shown(utcMs, zone.name));
        // The first of the instants at which the clocks show it, which is this one or one before.
        expect(shown(fromLocal(shown(utcMs, zone.name), zone), zone.name)).toBe(shown(utcMs, zone.name));
      }),
      { numRuns: 200 },
    );
  });
});

describe("a format of one's own", () => {
  test.each([
    ["%d.%m.%Y %H:%M:%S", "02.01.2026 03:04:05", "2026-01-02T03:04:05Z"],
    ["%d.%m.%y %T,%L", "2.1.26 03:04:05,6789", "2026-01-02T03:04:05.6789Z"],
    ["%m/%d/%Y %I:%M:%S %p", "01/02/2026 12:04:05 pm", "2026-01-02T12:04:05Z"],
    ["%A, %d %B %Y, %R %z", "Friday, 2 January 2026, 03:04 +01:00", "2026-01-02T02:04:00Z"],
    ["%s", "1767323045", "2026-01-02T03:04:05Z"],
    ["%s.%N", "1767323045.000000001", "2026-01-02T03:04:05.000000001Z"],
    ["[%F %T.%f] 100%%", "[2026-01-02 03:04:05.678901] 100%", "2026-01-02T03:04:05.678901Z"],
    ["%d.%m.%Y %H:%M:%S", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
  ])("%s reads %s", (timeFormat, text, expected) => {
    expect(parseTimestamp(text, context(undefined, { timeFormat }))).toEqual(instant(expected));
  });

  test.each([
    ["%d.%m.%Y", "02.01.2026"],
    ["%d.%m.%Y %H", "02.01.2026 03 and more"],
    ["%d.%m.%Y %H", "32.01.2026 03"],
    ["%d.%m.%Y %H", "31.02.2026 03"],
    ["%b %d %H", "Janu 2 03"],
    ["%Y-%m-%dT%H", "0026-01-02T03"],
  ])("%s does not read %s", (timeFormat, text) => {
    expect(parseTimestamp(text, context(undefined, { timeFormat }))).toBeUndefined();
  });

  test.each(["%q", "%", "%Y-%m-%d %"])("%j is none", (format) => {
    expect(() => compileTimeFormat(format)).toThrow(/no directive/);
  });
});
