/**
 * The highest resident memory of the agent while it works off a backlog that its receivers take slowly, see
 * docs/performance.md. `npm run bench:memory -- [--mb 500] [--seconds 60] [--cli dist/cli.js] [--installed] [--node-option=FLAG]...`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writeCorpus } from "./corpus.ts";
import { AGENT_OPTIONS, environment, startServer, Workplace } from "./processes.ts";
import { agentConfig, MIB, MOST_PEAK_BYTES, sinkConfig } from "./rows.ts";
import { residentBytes } from "./usage.ts";

const SAMPLE_MS = 250;

const MANY_FILES = 400;
const EACH_BYTES = 600e3;

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "500" },
    seconds: { type: "string", default: "60" },
    ...AGENT_OPTIONS,
  },
});

interface Scene {
  readonly name: string;
  /** What the agent follows, a glob. */
  readonly include: string;
  readonly sinks: Readonly<Record<string, object>>;
}

/** The receiver answers a slow sink after 200 ms, and a dead one with 503. */
function scenes(port: number, { one, many }: { readonly one: string; readonly many: string }): readonly Scene[] {
  const slow = sinkConfig({ sink: "datadog", gzip: true }, port, "slow");
  const fast = sinkConfig({ sink: "splunk", gzip: true }, port, "ok");
  const dead = sinkConfig({ sink: "splunk", gzip: true }, port, "dead");
  const files = `${MANY_FILES} files of ${EACH_BYTES / 1e3} kB`;
  return [
    { name: `${values.mb} MB to a slow sink`, include: one, sinks: { slow } },
    { name: `${values.mb} MB to a slow, a fast and a dead sink`, include: one, sinks: { slow, fast, dead } },
    { name: `${files} to a slow, a fast and a dead sink`, include: many, sinks: { slow, fast, dead } },
  ];
}

/** Writes the files of the last scene; returns the glob that matches them. */
function writeManyFiles(place: Workplace, endMs: number): string {
  const directory = dirname(place.fresh("many"));
  for (let file = 1; file <= MANY_FILES; file += 1) {
    writeCorpus(join(directory, `app-${file}.log`), EACH_BYTES, endMs, file);
  }
  return join(directory, "*.log");
}

interface Memory {
  readonly seconds: number;
  readonly medianBytes: number;
  readonly peakBytes: number;
}

/** Samples the process until it ends by itself, or the time is up. */
async function watch(agent: ChildProcess, seconds: number): Promise<Memory> {
  const samples: number[] = [];
  let peakBytes = 0;
  const startMs = performance.now();
  const elapsed = (): number => (performance.now() - startMs) / 1_000;
  while (agent.pid !== undefined && agent.exitCode === null && elapsed() < seconds) {
    const peak = residentBytes(agent.pid, "VmHWM");
    // A process that has ended but was not yet waited for has no memory.
    if (Number.isNaN(peak)) break;
    peakBytes = peak;
    samples.push(residentBytes(agent.pid, "VmRSS"));
    await delay(SAMPLE_MS);
  }
  if (agent.exitCode !== null && agent.exitCode !== 0) throw new Error(`the agent failed with ${agent.exitCode}`);
  const medianBytes = samples.toSorted((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
  return { seconds: elapsed(), medianBytes, peakBytes };
}

async function measure(place: Workplace, { include, sinks }: Scene): Promise<Memory> {
  const config = place.fresh("tailcar.yaml");
  writeFileSync(config, agentConfig(include, place.fresh("state"), "json", sinks));
  const [program = "", ...options] = place.tailcar;
  const agent = spawn(program, [...options, "run", "-c", config, "--once"], { stdio: "ignore", env: environment([]) });
  try {
    return await watch(agent, Number(values.seconds));
  } finally {
    // The backlog is of no use to anybody: no need to let it drain.
    agent.kill("SIGKILL");
  }
}

async function main(): Promise<void> {
  using place = new Workplace(values);
  const nowMs = Date.now();
  writeCorpus(place.corpus, Number(values.mb) * 1e6, nowMs);
  const many = writeManyFiles(place, nowMs);
  const server = await startServer();
  try {
    for (const scene of scenes(server.port, { one: place.corpus, many })) {
      const { seconds, medianBytes, peakBytes } = await measure(place, scene);
      const good = peakBytes <= MOST_PEAK_BYTES;
      if (!good) process.exitCode = 1;
      const figures = `peak ${(peakBytes / MIB).toFixed(0)} MiB, median ${(medianBytes / MIB).toFixed(0)} MiB`;
      const bar = `bar ${MOST_PEAK_BYTES / MIB} MiB ${good ? "kept" : "MISSED"}`;
      console.log(`${scene.name}: ${figures} in ${seconds.toFixed(0)} s, ${bar}`);
    }
  } finally {
    server.process.kill();
  }
}

await main();
