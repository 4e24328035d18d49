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
