/**
 * The speed of the agent beside the bare work, see docs/performance.md.
 * `npm run bench -- [--mb 200] [--runs 3] [--only ROW]... [--cli dist/cli.js] [--installed] [--node-option=FLAG]...`
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { writeCorpus } from "./corpus.ts";
import {
  AGENT_OPTIONS,
  agentCommand,
  floorCommand,
  runMeasured,
  startServer,
  USAGE_PRELOAD,
  Workplace,
} from "./processes.ts";
import { MIB, MOST_PEAK_BYTES, type Row, ROWS } from "./rows.ts";
import type { Usage } from "./usage.ts";

const LEAST_RATIO = 0.6;

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "200" },
    runs: { type: "string", default: "3" },
    only: { type: "string", multiple: true, default: [] },
    ...AGENT_OPTIONS,
  },
});

interface Measurement {
  readonly agent: readonly Usage[];
  /** The agent with the same configuration and an empty log: what its start and its end take. */
  readonly start: readonly Usage[];
  readonly floor: readonly Usage[];
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const medianOf = (usages: readonly Usage[], key: keyof Usage): number => median(usages.map((usage) => usage[key]));

const COLUMNS = [
  "row",
  "MB/s",
  "start cpu s",
  "MB/cpu s",
  "steady",
  "floor MB/s",
  "floor",
  "ratio",
  "(whole)",
  "peak MiB",
  "bars",
];

const format = (cells: readonly string[]): string =>
  cells
    .map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(index === cells.length - 1 ? 16 : 12)))
    .join("");

/** One line of the table, and whether the row keeps to the bars. */
function summarize(row: Row, megabytes: number, { agent, start, floor }: Measurement): { line: string; good: boolean } {
  const [cpuSeconds, startSeconds] = [medianOf(agent, "cpuSeconds"), medianOf(start, "cpuSeconds")];
  const whole = megabytes / cpuSeconds;
  const steady = megabytes / (cpuSeconds - startSeconds);
  const floorPerCpu = megabytes / medianOf(floor, "cpuSeconds");
  // The clock of the floor starts when its lines are cut: its own start is in none of its figures.
  const ratio = steady / floorPerCpu;
  const peakBytes = Math.max(...agent.map((usage) => usage.peakBytes));
  const isBelow = row.redact === undefined && ratio < LEAST_RATIO;
  const missed = [isBelow ? "ratio" : "", peakBytes > MOST_PEAK_BYTES ? "peak" : ""].filter(Boolean);
  const cells = [
    row.name,
    (megabytes / medianOf(agent, "wallSeconds")).toFixed(0),
    startSeconds.toFixed(2),
    whole.toFixed(0),
    steady.toFixed(0),
    (megabytes / medianOf(floor, "wallSeconds")).toFixed(0),
    floorPerCpu.toFixed(0),
    ratio.toFixed(2),
    `(${(whole / floorPerCpu).toFixed(2)})`,
    (peakBytes / MIB).toFixed(0),
    missed.length === 0 ? "kept" : `not ${missed.join("+")}`,
  ];
  return { line: format(cells), good: missed.length === 0 };
}

async function measureRow(place: Workplace, row: Row, port: number): Promise<Measurement> {
  const empty = place.fresh("empty.log");
  writeFileSync(empty, "");
  const measurement = { agent: new Array<Usage>(), start: new Array<Usage>(), floor: new Array<Usage>() };
  // Interleaved, so that what else the machine does meets all alike.
  for (let run = 0; run < Number(values.runs); run += 1) {
    measurement.start.push(await runMeasured(place, agentCommand(place, row, port, empty), [USAGE_PRELOAD]));
    measurement.agent.push(await runMeasured(place, agentCommand(place, row, port), [USAGE_PRELOAD]));
    measurement.floor.push(await runMeasured(place, floorCommand(place, row, port)));
  }
  return measurement;
}

async function main(): Promise<void> {
  const rows = ROWS.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  if (rows.length === 0) throw new Error(`rows are ${ROWS.map(({ name }) => name).join(", ")}`);
  using place = new Workplace(values);
  const megabytes = writeCorpus(place.corpus, Number(values.mb) * 1e6, Date.now()) / 1e6;
  const server = await startServer();
  try {
    console.log(format(COLUMNS));
    for (const row of rows) {
      const { line, good } = summarize(row, megabytes, await measureRow(place, row, server.port));
      console.log(line);
      if (!good) process.exitCode = 1;
    }
    console.log(`
${megabytes.toFixed(0)} MB a run, medians of ${values.runs}, the peak of the worst. MB/cpu s is of the whole process; steady leaves out the CPU
seconds of its start and end (start cpu s, measured on an empty log), and so does the ratio to the floor, whose clock
starts when its lines are cut. In brackets the ratio with them. Bars: a ratio of ${LEAST_RATIO}, a peak of ${MOST_PEAK_BYTES / MIB} MiB.`);
  } finally {
    server.process.kill();
  }
}

await main();
