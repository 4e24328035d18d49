import { describe, expect, test } from "vitest";
import { decodeDatadog, decodeSplunk, splitObjects } from "../../src/demo/wire.ts";

describe("a Datadog body", () => {
  test("is an array of logs, and their messages are the records", () => {
    const body = JSON.stringify([
      { message: "one", ddtags: "env:demo" },
      { message: '{"seq":2}', timestamp: 1 },
    ]);
    expect(decodeDatadog(body)).toEqual({ records: ["one", '{"seq":2}'] });
  });

  test.each([
    ["no JSON", "[{"],
    ["an object", '{"message":"x"}'],
    ["an empty array", "[]"],
    ["a log without a message", '[{"message":"x"},{"status":"info"}]'],
    ["1,001 logs", JSON.stringify(Array.from({ length: 1_001 }, () => ({ message: "x" })))],
  ])("that is %s is refused whole", (_, body) => {
    expect(decodeDatadog(body)).toMatchObject({ records: [], refusal: { status: 400 } });
  });
});

describe("a Splunk body", () => {
  test("is one envelope behind the other, and their events are the records", () => {
    const body = '{"time":1.5,"event":{"seq":1},"fields":{"a":"b"}}{"event":"a } \\" { b"}\n{"event":"c"}';
    expect(decodeSplunk(body)).toEqual({ records: [{ seq: 1 }, 'a } " { b', "c"] });
  });

  test.each([
    ["no JSON", '{"event":"a"}{"event":}', 1],
    ["an array", '[{"event":"a"}]', 0],
    ["cut off", '{"event":"a"}{"event":"b', 1],
    ["an envelope with a key of its own", '{"event":"a","x":{}}', 0],
    ["a blank event", '{"event":""}', 0],
    ["nested fields", '{"event":"a","fields":{"a":{}}}', 0],
  ])("that is %s is refused from there on", (_, body, number) => {
    const decoded = decodeSplunk(body);
    expect(decoded.records).toHaveLength(number);
    expect(decoded.refusal).toMatchObject({ status: 400, body: { code: 6, "invalid-event-number": number } });
  });

  test("without an event is refused", () => {
    expect(decodeSplunk(" \n").refusal).toMatchObject({ status: 400, body: { code: 5 } });
  });

  test("with a string of a megabyte is split", () => {
    const long = JSON.stringify({ event: '\\"{'.repeat(300_000) });
    expect([...splitObjects(long + long)]).toEqual([long, long]);
  });
});
