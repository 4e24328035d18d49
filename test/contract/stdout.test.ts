import { expect } from "vitest";
import { stdout } from "../../src/sinks/stdout/sink.ts";
import { record } from "../sinks/support.ts";
import { objectMembers } from "../support/json-stream.ts";
import { describeSink } from "./sink-contract.ts";

describeSink({
  definition: stdout,
  options: {},
  read(body, lines) {
    const found = body.split("\n").map((line) => (line === "" ? "end" : Object.fromEntries(objectMembers(line))));
    const expected = lines.map((line) => ({
      timestamp: "null",
      severity: "null",
      message: JSON.stringify(line),
      attributes: record(line).fields.isObject === true ? line.toWellFormed().replaceAll("\r\n", " ").trim() : "{}",
      resource: expect.stringMatching(/^\{"service.name":"checkout",.*\}$/),
      file: '"/var/log/app.log"',
      offset: "0",
    }));
    return { found, expected: [...expected, "end"] };
  },
});
