import { describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { NAMED, told } from "./check.ts";
import { play } from "./play.ts";

describe("sequences that once showed a fault", () => {
  test.each(Object.entries(CASES))("%s", async (_name, sequence) => {
    expect(told(await play(sequence))).toMatch(/=> $/);
  });
});

test.skipIf(NAMED === undefined)("the sequence that is named in MODEL_SEQUENCE", async () => {
  const finding = NAMED === undefined ? undefined : await play(NAMED);
  expect(finding && told(finding)).toMatch(/=> $/);
});
