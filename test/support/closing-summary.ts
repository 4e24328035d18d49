import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** So much of the difference between two values is shown, characters. */
const MAX_DIFF = 4_000;

/**
 * Plain last lines, without colours or cursor movement, so that a build log ends with the result in words. A test that
 * passed only when it was repeated is named with what went wrong at first: luck must not hide a fault.
 */
export default class ClosingSummary implements Reporter {
  #startedAt = 0;

  onTestRunStart(): void {
    this.#startedAt = performance.now();
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let broken = errors.length;
    for (const module of modules) {
      broken += module.errors().length;
      for (const test of module.children.allTests()) {
        counts[test.result().state] += 1;
        process.stdout.write(whatWasRepeated(test));
      }
    }
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
    const verdict = counts.failed + counts.pending + broken === 0 ? "PASSED" : "FAILED";
    process.stdout.write(
      `${verdict}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ` +
        `${counts.pending} not run, ${broken} errors outside tests, ${modules.length} files, ${seconds} s\n`,
    );
  }
}

function whatWasRepeated(test: TestCase): string {
  const { state, errors = [] } = test.result();
  if (state !== "passed" || errors.length === 0) return "";
  const reasons = errors.map(({ message, stacks, diff }) => {
    const [frame] = stacks ?? [];
    return `${message}\n  at ${frame?.file}:${frame?.line}\n${stripVTControlCharacters(diff ?? "").slice(0, MAX_DIFF)}\n`;
  });
  return `REPEATED: ${test.module.relativeModuleId} > ${test.fullName}\n${reasons.join("")}`;
}
