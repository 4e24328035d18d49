import { expect, test } from "vitest";
import { findFault } from "../model/check.ts";
import { play } from "../model/play.ts";

const RUNS = 10_000;
const HOURS_MS = 4 * 3_600_000;

test(`${RUNS} random sequences lose, repeat and misplace nothing`, { timeout: HOURS_MS }, async () => {
  const seed = Number(process.env["MODEL_SEED"] ?? Date.now() % 2 ** 31);
  await expect(findFault(play, { runs: RUNS, maxLength: 40, seed, timeLimitMs: HOURS_MS })).resolves.toBe("none");
});
