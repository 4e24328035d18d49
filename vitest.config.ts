import { defineConfig } from "vitest/config";

/**
 * Acceptance tests start real processes and measure real time, so they run one file at a time and only when the unit
 * tests have left the machine.
 */
const ACCEPTANCE = [
  "test/integration/**/*.test.ts",
  "test/faults/**/*.test.ts",
  "test/fixtures.test.ts",
  "test/docker/image.test.ts",
];

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-summary.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ACCEPTANCE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "acceptance",
          include: ACCEPTANCE,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
