import { describe, expect, test } from "vitest";
import { CASES } from "./cases.ts";
import { told } from "./check.ts";
import type { Sequence } from "./command.ts";
import { play } from "./play.ts";

describe("sequences that once showed a fault", () => {
  test.each(Object.entries(CASES))("%s", async (_name, sequence) => {
    expect(told(await play(sequence))).toMatch(/=> $/);
  });
});

const named = process.env["MODEL_SEQUENCE"];

test.skipIf(named === undefined)("the sequence that is named in MODEL_SEQUENCE", async () => {
  const sequence: Sequence = JSON.parse(named ?? "");
  const finding = await play(sequence);
  process.stdout.write(`${told(finding)}\n`);
  expect(finding.violations).toEqual([]);
});
