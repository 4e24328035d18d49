import * as fc from "fast-check";
import { expect, test } from "vitest";
import { AckTracker, type TrackedRange } from "../../src/pipeline/ack-tracker.ts";
import { noCounters } from "../../src/pipeline/counters.ts";

const range = (offset: number): TrackedRange => ({ end: { offset, crc: 0, tail: 0 }, counters: noCounters() });

test("in whatever order ranges finish, the cursor stands after the longest run of finished ones", () => {
  const order = fc
    .integer({ min: 1, max: 40 })
    .chain((count) =>
      fc.tuple(fc.constant(count), fc.shuffledSubarray([...Array(count).keys()], { minLength: 0, maxLength: count })),
    );
  fc.assert(
    fc.property(order, ([count, finishing]) => {
      const tracker = new AckTracker();
      const ranges = Array.from({ length: count }, (_, index) => range(index + 1));
      for (const one of ranges) tracker.track(one);
      const finished = new Set<number>();
      let cursor = 0;
      for (const index of finishing) {
        const one = ranges[index];
        if (one === undefined) continue;
        finished.add(index);
        for (const passed of tracker.finish(one)) {
          expect(passed).toBe(ranges[cursor]);
          cursor += 1;
        }
        const gap = ranges.findIndex((_, position) => !finished.has(position));
        expect(cursor).toBe(gap === -1 ? count : gap);
      }
      expect(tracker.isEmpty).toBe(finishing.length === count);
    }),
  );
});

test("ranges that are tracked while others finish keep their order", () => {
  const tracker = new AckTracker();
  const [a, b, c] = [range(1), range(2), range(3)];
  tracker.track(a);
  tracker.track(b);
  expect(tracker.finish(b)).toEqual([]);
  tracker.track(c);
  expect(tracker.finish(c)).toEqual([]);
  expect(tracker.finish(a)).toEqual([a, b, c]);
  expect(tracker.isEmpty).toBe(true);
});

test("finishing a range twice, or one that was never tracked, is a bug", () => {
  const tracker = new AckTracker();
  const one = range(1);
  tracker.track(one);
  tracker.finish(one);
  expect(() => tracker.finish(one)).toThrow(/not tracked/);
  expect(() => tracker.finish(range(2))).toThrow(/not tracked/);
});
