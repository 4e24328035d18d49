/**
 * The speed of the agent beside the bare work, see docs/performance.md.
 * `npm run bench -- [--mb 200] [--runs 3] [--only ROW]... [--cli dist/cli.js] [--node-option=FLAG]...`
 */
import { closeSync, openSync } from "node:fs";
import { parseArgs } from "node:util";
import { writeCorpus } from "./corpus.ts";
import { agentArguments, floorArguments, runMeasured, startServer, USAGE_PRELOAD, Workplace } from "./processes.ts";
import { MOST_PEAK_BYTES, type Row, ROWS } from "./rows.ts";
import type { Usage } from "./usage.ts";

const LEAST_RATIO = 0.6;

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "200" },
    runs: { type: "string", default: "3" },
    only: { type: "string", multiple: true, default: [] },
    cli: { type: "string" },
    "node-option": { type: "string", multiple: true, default: [] },
  },
});

interface Measurement {
  readonly agent: readonly Usage[];
  readonly floor: readonly Usage[];
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const medianOf = (usages: readonly Usage[], key: keyof Usage): number => median(usages.map((usage) => usage[key]));

const COLUMNS = ["row", "MB/s", "MB/cpu s", "peak MB", "floor MB/s", "floor MB/cpu s", "ratio", ""];

const format = (cells: readonly string[]): string =>
  cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(14))).join("");

/** One line of the table, and whether the row keeps to the bars. */
function summarize(row: Row, megabytes: number, { agent, floor }: Measurement): { line: string; good: boolean } {
  const perCpu = megabytes / medianOf(agent, "cpuSeconds");
  const floorPerCpu = megabytes / medianOf(floor, "cpuSeconds");
  const peakBytes = Math.max(...agent.map((usage) => usage.peakBytes));
  const ratio = perCpu / floorPerCpu;
  const good = ratio >= LEAST_RATIO && peakBytes <= MOST_PEAK_BYTES;
  const speeds = [megabytes / medianOf(agent, "wallSeconds"), perCpu, peakBytes / 1e6];
  const floorSpeeds = [megabytes / medianOf(floor, "wallSeconds"), floorPerCpu];
  const numbers = [...speeds, ...floorSpeeds].map((value) => value.toFixed(0));
  return { line: format([row.name, ...numbers, ratio.toFixed(2), good ? "" : "below the bar"]), good };
}

async function measureRow(place: Workplace, row: Row, port: number): Promise<Measurement> {
  const agent: Usage[] = [];
  const floor: Usage[] = [];
  // Interleaved, so that what else the machine does meets both alike.
  for (let run = 0; run < Number(values.runs); run += 1) {
    const options = [...values["node-option"], ...USAGE_PRELOAD];
    agent.push(await runMeasured(place, [...options, ...agentArguments(place, row, port)]));
    floor.push(await runMeasured(place, floorArguments(place, row, port)));
  }
  return { agent, floor };
}

/** What the agent uses to start and to end when there is nothing to ship. */
async function measureStart(place: Workplace, row: Row, port: number): Promise<Usage> {
  const empty = place.fresh("empty.log");
  closeSync(openSync(empty, "w"));
  const options = [...values["node-option"], ...USAGE_PRELOAD];
  return runMeasured(place, [...options, ...agentArguments(place, row, port, empty)]);
}

async function main(): Promise<void> {
  const rows = ROWS.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  const [first] = rows;
  if (first === undefined) throw new Error(`rows are ${ROWS.map(({ name }) => name).join(", ")}`);
  using place = new Workplace(values.cli);
  const megabytes = writeCorpus(place.corpus, Number(values.mb) * 1e6, Date.now()) / 1e6;
  const server = await startServer();
  try {
    console.log(format(COLUMNS));
    for (const row of rows) {
      const { line, good } = summarize(row, megabytes, await measureRow(place, row, server.port));
      console.log(line);
      if (!good) process.exitCode = 1;
    }
    const { cpuSeconds, peakBytes } = await measureStart(place, first, server.port);
    console.log(
      `\n${megabytes.toFixed(0)} MB a run, medians of ${values.runs}; the bars are a ratio of ${LEAST_RATIO} per CPU second and ${MOST_PEAK_BYTES / 1e6} MB.`,
    );
    console.log(
      `The agent's start and end are in its figures: ${cpuSeconds.toFixed(2)} CPU seconds, ${(peakBytes / 1e6).toFixed(0)} MB.`,
    );
  } finally {
    server.process.kill();
  }
}

await main();
