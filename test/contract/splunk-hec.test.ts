import type { Outcome } from "../../src/core/outcome.ts";
import { splunkHec } from "../../src/sinks/splunk-hec/sink.ts";
import { record } from "../sinks/support.ts";
import { concatenatedValues, objectMembers } from "../support/json-stream.ts";
import { describeSink } from "./sink-contract.ts";

const TOKEN = "11111111-2222-3333-4444-555555555555";
const OWN = ["host", "source", "fields", "event"];

function eventOf(line: string): string {
  if (record(line).fields.isObject === true) return line.trim().toWellFormed();
  const text = JSON.stringify(line);
  return /^[\s\p{Cc}]*$/u.test(line) ? `{"message":${text}}` : text;
}

/** Codes of HEC with their status. Source: Splunk documentation, "Troubleshoot HTTP Event Collector". */
const CODES: readonly (readonly [code: number, status: number, text: string, expected: Outcome["kind"]])[] = [
  [1, 403, "Token disabled", "blocked"],
  [2, 401, "Token is required", "blocked"],
  [3, 401, "Invalid authorization", "blocked"],
  [4, 403, "Invalid token", "blocked"],
  [5, 400, "No data", "rejected"],
  [6, 400, "Invalid data format", "rejected"],
  [7, 400, "Incorrect index", "blocked"],
  [8, 500, "Internal server error", "retry"],
  [9, 503, "Server is busy", "retry"],
  [10, 400, "Data channel is missing", "blocked"],
  [11, 400, "Invalid data channel", "blocked"],
  [12, 400, "Event field is required", "rejected"],
  [13, 400, "Event field cannot be blank", "rejected"],
  [14, 400, "ACK is disabled", "blocked"],
  [15, 400, "Error in handling indexed fields", "rejected"],
  [16, 400, "Query string authorization is not enabled", "blocked"],
  [18, 503, "HEC is unhealthy, queues are full", "retry"],
  [19, 503, "HEC is unhealthy, ack service unavailable", "retry"],
  [20, 503, "HEC is unhealthy, queues are full, ack service unavailable", "retry"],
  [23, 503, "Server is shutting down", "retry"],
  [24, 200, "Queue is approaching capacity", "delivered"],
  [25, 200, "ACK is approaching capacity", "delivered"],
  [26, 429, "Queue at capacity", "retry"],
  [27, 429, "ACK channel at capacity", "retry"],
  [28, 400, "Data channel is missing, sticky sessions are needed", "blocked"],
];

describeSink({
  definition: splunkHec,
  options: { token: TOKEN, endpoint: "https://splunk:8088" },
  read(body, lines) {
    const found = [...concatenatedValues(body)].map((envelope) => {
      const members = new Map(objectMembers(envelope));
      return {
        names: [...members.keys()].filter((name) => name !== "sourcetype"),
        event: members.get("event")?.trim(),
      };
    });
    return { found, expected: lines.map((line) => ({ names: OWN, event: eventOf(line) })) };
  },
  http: {
    options: (endpoint) => ({ token: TOKEN, endpoint }),
    secret: TOKEN,
    success: { status: 200, body: '{"text":"Success","code":0}' },
    answers: [
      ...CODES.map(
        ([code, status, text, expected]) =>
          [`code ${code} (${text})`, { status, body: JSON.stringify({ text, code }) }, expected] as const,
      ),
      ["a success without a code", { status: 200, body: "{}" }, "retry"],
      ["a 400 of nobody knows whom", { status: 400, body: "<html>" }, "blocked"],
      ["a body over the limit", { status: 413, body: "<html>" }, "tooLarge"],
    ],
  },
});
