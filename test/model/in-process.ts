import { expect, test } from "vitest";
import { findFault } from "./check.ts";
import { play } from "./play.ts";

/** The seed of `npm test` is fixed, so that it fails for a change and not for luck; `npm run test:long` takes another each time. */
const SEED = Number(process.env["MODEL_SEED"] ?? 20_261_124);
const SEQUENCES = 2_000;
const MAX_LENGTH = 12;
/** Two minutes do where nothing else runs. */
const TIME_LIMIT_MS = 900_000;

/** A part of the random sequences. There are several, for several processes. */
export const playPart = (part: number, parts: number): void => {
  const runs = Math.ceil(SEQUENCES / parts);
  const search = { runs, maxLength: MAX_LENGTH, seed: SEED + part, timeLimitMs: TIME_LIMIT_MS };
  test(`${runs} random sequences lose, repeat and misplace nothing`, { timeout: TIME_LIMIT_MS + 60_000 }, async () => {
    await expect(findFault(play, search)).resolves.toBe("none");
  });
};
