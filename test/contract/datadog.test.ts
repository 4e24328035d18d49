import { datadog } from "../../src/sinks/datadog/sink.ts";
import { arrayElements, objectMembers } from "../support/json-stream.ts";
import { describeSink } from "./sink-contract.ts";

const OWN = ["message", "ddsource", "service", "hostname", "ddtags"];

describeSink({
  definition: datadog,
  options: { apiKey: "datadog-key" },
  read(body, lines) {
    const found = [...arrayElements(body)].map((element) => {
      const members = new Map(objectMembers(element));
      return { names: [...members.keys()], message: JSON.parse(members.get("message") ?? "") };
    });
    return { found, expected: lines.map((line) => ({ names: OWN, message: line })) };
  },
  http: {
    options: (endpoint) => ({ apiKey: "datadog-key", endpoint }),
    secret: "datadog-key",
    success: { status: 202, body: "{}" },
    answers: [
      ["a bad payload", { status: 400, body: '{"errors":[{"status":"400","title":"Bad Request"}]}' }, "rejected"],
      ["no key", { status: 401, body: '{"errors":[{"status":"401"}]}' }, "blocked"],
      ["a wrong key", { status: 403, body: '{"errors":[{"status":"403"}]}' }, "blocked"],
      ["a time-out", { status: 408, body: '{"errors":[{"status":"408"}]}' }, "retry"],
      ["a payload over 5 MB", { status: 413, body: '{"errors":[{"status":"413"}]}' }, "tooLarge"],
      ["too many requests", { status: 429, body: '{"errors":[{"status":"429"}]}' }, "retry"],
      ["an internal error", { status: 500, body: '{"errors":[{"status":"500"}]}' }, "retry"],
      ["an outage", { status: 503, body: '{"errors":[{"status":"503"}]}' }, "retry"],
    ],
  },
});
