import { expect, test } from "vitest";
import { LogRecord } from "../../src/core/record.ts";
import { recordsOf, transformer } from "./support.ts";

const LINES = Array.from({ length: 10_000 }, (_, index) => JSON.stringify({ id: index % 500, index }));

const sample = (options: object) => transformer(JSON.stringify([{ sample: options }]));

test.each([0, 0.01, 0.25, 0.9, 1])("a rate of %d ships about that part, and the same in every run", (rate) => {
  const records = recordsOf(LINES);
  const kept = sample({ rate }).transform(records, 1, 0, 1);
  // Five standard deviations of a fair draw.
  const tolerance = 5 * Math.sqrt(10_000 * rate * (1 - rate));
  expect(Math.abs(kept.length - 10_000 * rate)).toBeLessThanOrEqual(tolerance);
  expect(sample({ rate }).transform(records.slice(5_000), 9, 1, 2)).toEqual(
    kept.filter(({ offset }) => offset >= (records[5_000]?.offset ?? 0)),
  );
});

test("with a key, records with the same value are shipped all or not at all; without the field the place decides", () => {
  const kept = sample({ rate: 0.3, key: "attributes.id" }).transform(recordsOf(LINES), 1, 0, 1);
  const counts = Map.groupBy(kept, ({ body }) => Number(JSON.parse(body).id));
  expect([...new Set([...counts.values()].map((group) => group.length))]).toEqual([20]);
  expect(counts.size).toBeGreaterThan(100);
  expect(counts.size).toBeLessThan(200);
  const without = sample({ rate: 0.5, key: "attributes.absent" }).transform(recordsOf(LINES), 1, 0, 1);
  expect(without.length).toBeGreaterThan(4_500);
  expect(without.length).toBeLessThan(5_500);
});

test("records that `where` leaves out, and parts of a split line, are shipped", () => {
  const [record] = recordsOf(["x"]);
  const part = new LogRecord("x", 0, 2, { source: "app", path: "/a" }, undefined, "middle");
  expect(sample({ rate: 0 }).transform([part], 1, 0, 1)).toEqual([part]);
  const other = { field: "body", equals: "y" };
  expect(sample({ rate: 0, where: other }).transform([record ?? part], 1, 0, 1)).toEqual([record]);
});
