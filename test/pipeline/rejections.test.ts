import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Rejections } from "../../src/pipeline/rejections.ts";

test("more than half of the last 1,000 records", () => {
  const rejections = new Rejections();
  rejections.add(500, true);
  expect(rejections.isMass).toBe(false);
  rejections.add(1, true);
  expect(rejections.isMass).toBe(true);
  rejections.add(499, false);
  expect(rejections.isMass).toBe(true);
  rejections.add(1, false);
  expect(rejections.isMass).toBe(false);
});

test("is what counting them one by one gives", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1_200), fc.boolean()), { maxLength: 10 }), (steps) => {
      const rejections = new Rejections();
      const all: boolean[] = [];
      for (const [count, rejected] of steps) {
        rejections.add(count, rejected);
        all.push(...Array.from({ length: count }, () => rejected));
      }
      expect(rejections.isMass).toBe(all.slice(-1_000).filter(Boolean).length > 500);
    }),
    { numRuns: 50 },
  );
});
