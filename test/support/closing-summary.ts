import type { Reporter, TestModule } from "vitest/node";

/** One plain last line, without colours or cursor movement, so that a build log ends with the result in words. */
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
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
    }
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1);
    const verdict = counts.failed + counts.pending + broken === 0 ? "PASSED" : "FAILED";
    process.stdout.write(
      `${verdict}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ` +
        `${counts.pending} not run, ${broken} errors outside tests, ${modules.length} files, ${seconds} s\n`,
    );
  }
}
