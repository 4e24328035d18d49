import { describe, expect, test } from "vitest";
import { createSplunkEncoder } from "../../../src/sinks/splunk-hec/encode.ts";
import { asText, NOW, record, resource } from "../support.ts";

const encode = asText(createSplunkEncoder(resource, { index: "main", fields: { team: "payments" } }));
const bare = asText(createSplunkEncoder({ host: "h", attributes: {} }, { fields: {} }));
const fields = '"fields":{"service":"checkout","env":"prod","version":"1.2.3","team":"payments"';

test("envelopes stand one behind the other", () => {
  const timestamp = { epochMs: NOW + 123, nanos: 456_000 };
  expect(encode([record(' {"a":1.0}\t', { timestamp }), record('plain "text"\n  at x')])).toBe(
    `{"time":1767225600.123456,"host":"pod-1","source":"/var/log/app.log","sourcetype":"_json","index":"main",${fields}},"event": {"a":1.0}\t}` +
      `{"host":"pod-1","source":"/var/log/app.log","index":"main",${fields}},"event":"plain \\"text\\"\\n  at x"}`,
  );
});

test("what is not known is left out", () => {
  expect(bare([record("m")])).toBe('{"host":"h","source":"/var/log/app.log","event":"m"}');
});

test("a part of a record over the limit says which it is, and how large the whole was, in texts", () => {
  const part = { part: 2, parts: 3, originalBytes: 2_500_000 };
  expect(JSON.parse(encode([record("m", { split: "middle", part })])).fields).toMatchObject({
    "tailcar.split": "middle",
    "tailcar.part": "2",
    "tailcar.parts": "3",
    "tailcar.originalBytes": "2500000",
  });
});

test("a source type that is set goes for every event", () => {
  const typed = asText(createSplunkEncoder({ host: "h", attributes: {} }, { sourcetype: "app", fields: {} }));
  const envelopes = typed([record("m"), record('{"a":1}')]);
  expect(envelopes.match(/"sourcetype":"app"/g)).toHaveLength(2);
});

test("attributes of the resource are fields, and the user's own win", () => {
  const about = { host: "h", attributes: { pod: "web-1", zone: "a" } };
  const body = asText(createSplunkEncoder(about, { fields: { zone: "b" } }))([record("m")]);
  expect(JSON.parse(body).fields).toEqual({ pod: "web-1", zone: "b" });
});

test("each file has its own source", () => {
  const other = { source: "app", path: '/var/log/"quoted"\n.log' };
  const records = [record("1"), record("2", { origin: other }), record("3")];
  const sources = [...bare(records).matchAll(/"source":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => text);
  expect(sources).toEqual(['"/var/log/app.log"', JSON.stringify(other.path), '"/var/log/app.log"']);
});

test("a part of a longer line says so", () => {
  const body = bare([record("m", { split: "middle" })]);
  expect(JSON.parse(body)).toMatchObject({ event: "m", fields: { "tailcar.split": "middle" } });
});

test("a time that cannot be written plainly is left out", () => {
  const body = bare([record("m", { timestamp: { epochMs: -1, nanos: 0 } })]);
  expect(JSON.parse(body)).not.toHaveProperty("time");
});

describe("a blank event, which Splunk refuses, goes as the message of an object", () => {
  test.each([[""], [" \t "], ["\u0000\u0000"], ["\u00a0\u2003\ufeff"], ["\u001b\u007f"]])("%j", (body) => {
    expect(JSON.parse(bare([record(body)])).event).toEqual({ message: body });
  });

  test.each([["0"], ["null"], ["false"], ["{}"], ["[]"], ['""']])("%s is text", (body) => {
    expect(JSON.parse(bare([record(body)])).event).toBe(body);
  });
});

describe("what a format found in a line that is no JSON object", () => {
  test("is flat fields, beside those of the resource", () => {
    const body = bare([record("GET /", { attributes: { method: "GET", size: 12, sd: { a: "1" } } })]);
    expect(JSON.parse(body)).toMatchObject({ event: "GET /", fields: { method: "GET", size: "12", "sd.a": "1" } });
  });

  test("never hides what the resource says", () => {
    const attributes = { service: "forged", env: "forged", team: "forged", "tailcar.split": "forged", other: "x" };
    const { fields: found } = JSON.parse(encode([record("m", { attributes, split: "first" })]));
    expect(found).toMatchObject({
      service: "checkout",
      env: "prod",
      team: "payments",
      other: "x",
      "tailcar.split": "first",
    });
  });

  test("stays with its own line", () => {
    const [first = "", second = ""] = bare([record("1", { attributes: { a: "1" } }), record("2")]).split(
      /(?<=\})(?=\{"host)/,
    );
    expect(JSON.parse(first).fields).toEqual({ a: "1" });
    expect(JSON.parse(second)).not.toHaveProperty("fields");
  });

  test("a line that is not of its source's format is marked", () => {
    expect(JSON.parse(bare([record("m", { unparsed: "json" })])).fields).toEqual({ "tailcar.unparsed": "json" });
  });
});
