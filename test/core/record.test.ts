import { expect, test } from "vitest";
import { LogRecord } from "../../src/core/record.ts";

const origin = { source: "app", path: "/var/log/app.log" };

test("a record is parsed once, and only when somebody asks", () => {
  let parses = 0;
  const record = new LogRecord("text", 5, 5, origin, () => {
    parses += 1;
    return { message: "parsed" };
  });
  expect(parses).toBe(0);
  expect([record.message, record.message, record.fields.message]).toEqual(["parsed", "parsed", "parsed"]);
  expect(parses).toBe(1);
});

test("a record without a message of its own is its body", () => {
  expect(new LogRecord("text", 5, 5, origin, () => ({})).message).toBe("text");
});
