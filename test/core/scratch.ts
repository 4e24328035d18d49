import { mkdtempSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A directory for one test, removed when the test has ended. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), "tailcar-unit-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
