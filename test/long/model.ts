import { expect, test } from "vitest";
import { findFault } from "../model/check.ts";
import { play } from "../model/play.ts";

const SEQUENCES = 10_000;
const MAX_LENGTH = 40;
const HOURS_MS = 4 * 3_600_000;

const SEED = Number(process.env["MODEL_SEED"]);

/** A part of the random sequences. There are several, for several processes. */
export const playPart = (part: number, parts: number): void => {
  const runs = Math.ceil(SEQUENCES / parts);
  const search = { runs, maxLength: MAX_LENGTH, seed: SEED + part, timeLimitMs: HOURS_MS };
  test(`${runs} random sequences lose, repeat and misplace nothing`, { timeout: HOURS_MS }, async () => {
    process.stderr.write(`seed ${SEED}, part ${part}\n`);
    const finding = findFault(play, search);
    // The other parts may take much longer, and only then are failures printed.
    finding.catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
    await expect(finding).resolves.toBe("none");
  });
};
