import { describe, expect, test } from "vitest";
import { createDatadogEncoder, isLate, toStatus } from "../../../src/sinks/datadog/encode.ts";
import { asText, NOW, record, resource, stoppedClock } from "../support.ts";

const options = { ddsource: "nodejs", tags: ["team:payments"] };
const encode = asText(createDatadogEncoder(resource, options, stoppedClock()));
const HOUR = 3_600_000;

const common =
  '"ddsource":"nodejs","service":"checkout","hostname":"pod-1","ddtags":"env:prod,version:1.2.3,team:payments"';

test("a body is an array with the raw line as message", () => {
  const line = '{"a":1}';
  const records = [
    record(line, { severity: { number: 17, text: "error" }, timestamp: { epochMs: NOW - 5, nanos: 123 } }),
    record("plain"),
  ];
  expect(encode(records)).toBe(
    `[{"status":"error","timestamp":${NOW - 5},"message":"{\\"a\\":1}",${common}},{"message":"plain",${common}}]`,
  );
});

test("what is not known is left out", () => {
  const bare = asText(createDatadogEncoder({ host: "h", attributes: {} }, { ddsource: "x", tags: [] }, stoppedClock()));
  expect(bare([record("m")])).toBe('[{"message":"m","ddsource":"x","hostname":"h"}]');
});

test("a part of a record over the limit says which it is, and how large the whole was", () => {
  const part = { part: 2, parts: 3, originalBytes: 2_500_000 };
  expect(encode([record("m", { split: "middle", part })])).toBe(
    `[{"tailcar":{"split":"middle","part":2,"parts":3,"originalBytes":2500000},"message":"m",${common}}]`,
  );
});

test.each([
  [undefined, false],
  [-17.5 * HOUR, false],
  [-17.5 * HOUR - 1, true],
  [1.5 * HOUR, false],
  [1.5 * HOUR + 1, true],
])("a record of %s ms from now is late: %s", (ms, expected) => {
  const timestamp = ms === undefined ? undefined : { epochMs: NOW + ms, nanos: 0 };
  expect(isLate(record("m", timestamp === undefined ? {} : { timestamp }), NOW)).toBe(expected);
});

test("a part of a longer line says so", () => {
  expect(encode([record("m", { split: "first" })])).toBe(`[{"tailcar":{"split":"first"},"message":"m",${common}}]`);
});

describe("timestamps that Datadog would refuse in silence are replaced", () => {
  test.each([
    [-17.5 * HOUR, true],
    [-17.5 * HOUR - 1, false],
    [0, true],
    [1.5 * HOUR, true],
    [1.5 * HOUR + 1, false],
  ])("%d ms from now is taken: %s", (distance, taken) => {
    const epochMs = NOW + distance;
    const [item] = JSON.parse(encode([record("m", { timestamp: { epochMs, nanos: 0 } })]));
    expect(item.timestamp).toBe(taken ? epochMs : NOW);
    expect(item.tailcar).toEqual(taken ? undefined : { originalTimestamp: new Date(epochMs).toISOString() });
  });
});

test.each([
  [1, "debug"],
  [5, "debug"],
  [9, "info"],
  [12, "info"],
  [13, "warn"],
  [17, "error"],
  [20, "error"],
  [21, "critical"],
  [24, "critical"],
])("severity %d is status %s", (number, status) => {
  expect(toStatus({ number, text: "" })).toBe(status);
});

describe("what a format found in a line that is no JSON object", () => {
  test("is further members of the item", () => {
    const [item] = JSON.parse(encode([record("GET /", { attributes: { method: "GET", size: 12, sd: { a: "1" } } })]));
    expect(item).toMatchObject({ message: "GET /", method: "GET", size: 12, sd: { a: "1" } });
  });

  test("never takes the place of a reserved member", () => {
    const names = ["message", "ddsource", "service", "hostname", "host", "ddtags", "status", "timestamp", "tailcar"];
    const attributes = Object.fromEntries(
      [...names, "attributes", "source", "__proto__"].map((name) => [name, "forged"]),
    );
    const line = record("m", {
      attributes,
      severity: { number: 9, text: "info" },
      timestamp: { epochMs: NOW, nanos: 0 },
    });
    const text = encode([line]);
    const [item] = JSON.parse(text);
    expect(item).toMatchObject({
      message: "m",
      ddsource: "nodejs",
      service: "checkout",
      status: "info",
      timestamp: NOW,
    });
    expect(item).not.toHaveProperty("host");
    expect(item).not.toHaveProperty("tailcar");
    for (const name of [...names, "attributes", "source"]) expect(item.attributes[name]).toBe("forged");
    expect(text.match(/"message"/g)).toHaveLength(2);
  });

  test("a line that is not of its source's format is marked", () => {
    const [item] = JSON.parse(encode([record("m", { unparsed: "json" })]));
    expect(item).toMatchObject({ message: "m", tailcar: { unparsed: "json" } });
  });
});
