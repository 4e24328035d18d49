import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findFaults, NAMED, told } from "./check.ts";
import { playWith } from "./play.ts";
import { ProcessDriver } from "./process-driver.ts";

const SEED = Number(process.env["MODEL_SEED"] ?? 20_261_124);
const SEQUENCES = 30;
/** Most of a sequence is waiting, for a start or an end. */
const AT_ONCE = 4;

const compileCache = mkdtempSync(join(tmpdir(), "tailcar-model-cache-"));
afterAll(() => rmSync(compileCache, { recursive: true }));

const play = playWith({ create: (stage) => new ProcessDriver(stage, compileCache), isObserved: true });

test(
  `${SEQUENCES} random sequences with real processes lose, repeat and misplace nothing`,
  { timeout: 600_000 },
  async () => {
    await expect(findFaults(play, { runs: SEQUENCES, maxLength: 12, seed: SEED, atOnce: AT_ONCE })).resolves.toBe(
      "none",
    );
  },
);

test.skipIf(NAMED === undefined)(
  "with real processes the sequence that is named in MODEL_SEQUENCE",
  { timeout: 300_000 },
  async () => {
    const finding = NAMED === undefined ? undefined : await play(NAMED);
    expect(finding && told(finding)).toMatch(/=> $/);
  },
);
