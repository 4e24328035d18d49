import { expect, test } from "vitest";
import { cutOut, type Run, throughChosen } from "../../src/pipeline/runs.ts";

const run = (text: string): Run => {
  const [from = 0, to = 0] = text.split("-").map(Number);
  return { from, to };
};
const runs = (text: string): readonly Run[] => text.split(" ").filter(Boolean).map(run);

test.each([
  ["0-10", "2-5", "0-3"],
  ["0-3 4-6 8-9", "2-5", "0-1 2-3"],
  ["0-2 5-9", "2-5", ""],
  ["", "2-5", ""],
])("of the runs %s, %s holds %s, counted from its beginning", (all, one, expected) => {
  expect(cutOut(runs(all), run(one))).toEqual(runs(expected));
});

test.each([
  ["0-6", "2-5 8-11", "2-5 8-11"],
  ["1-4", "2-5 8-11", "3-5 8-9"],
  ["0-1 5-6", "2-5 8-11", "2-3 10-11"],
])("the runs %s of what %s leave are %s of all", (left, chosen, expected) => {
  expect(throughChosen(runs(left), runs(chosen))).toEqual(runs(expected));
});
