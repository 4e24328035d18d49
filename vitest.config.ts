import { defineConfig } from "vitest/config";

/**
 * Acceptance tests start real processes and measure real time, so they run only when the unit tests have left the machine.
 */
const ACCEPTANCE = [
  "test/integration/**/*.test.ts",
  "test/faults/**/*.test.ts",
  "test/fixtures.test.ts",
  "test/docker/image.test.ts",
];

const CERTIFICATES = "test/support/make-certificates.ts";

/** Random sequences against a model: they take what processors there are. */
const MODEL = ["test/model/**/*.test.ts"];

/** What takes minutes: `npm run test:long`, and never part of `npm test`. */
const LONG = ["test/long/**/*.test.ts"];

/** Another one each time, the same for all parts. MODEL_SEED plays the sequences of a run again. */
const MODEL_SEED = process.env["MODEL_SEED"] ?? String(Date.now() % 2 ** 31);

const LONG_PROJECT = {
  test: {
    name: "long",
    include: LONG,
    env: { MODEL_SEED },
    maxWorkers: 2,
    testTimeout: 3_600_000,
    sequence: { groupOrder: 3 },
  },
};

/** A project that is not asked for is not there, so that a plain `vitest run` passes it over. */
const isLong = process.env["npm_lifecycle_event"] === "test:long" || process.argv.includes("long");

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/closing-summary.ts"],
    projects: [
      {
        test: {
          name: "unit",
          globalSetup: CERTIFICATES,
          include: ["test/**/*.test.ts"],
          exclude: [...ACCEPTANCE, ...MODEL, ...LONG],
          // Property tests take seconds when the machine is busy.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "acceptance",
          globalSetup: CERTIFICATES,
          include: ACCEPTANCE,
          // They wait more than they work, and on a busy machine for long.
          maxWorkers: 2,
          testTimeout: 240_000,
          hookTimeout: 60_000,
          // A machine that others use too may stand still for seconds. What needed it is shown as such.
          retry: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "model",
          include: MODEL,
          maxWorkers: 2,
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      ...(isLong ? [LONG_PROJECT] : []),
    ],
  },
});
