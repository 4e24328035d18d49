import { expect, test } from "vitest";
import { LogRecord } from "../../src/core/record.ts";
import { TextPage } from "../../src/core/text-page.ts";

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

test("the text of a record on a page is not made for a format that reads nothing out of it", () => {
  const page = new TextPage(Buffer.from("line\n"), 0, true);
  const record = new LogRecord(page, 0, 5, origin, undefined, undefined, 1);
  page.release();
  expect(record.fields).toEqual({});
  expect(() => record.body).toThrow(/released/);
});
