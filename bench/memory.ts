/**
 * The highest resident memory of the agent while it works off a backlog that its receivers take slowly, see
 * docs/performance.md. `npm run bench:memory -- [--mb 500] [--seconds 60] [--cli dist/cli.js] [--node-option=FLAG]...`
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writeCorpus } from "./corpus.ts";
import { startServer, Workplace } from "./processes.ts";
import { agentConfig, MOST_PEAK_BYTES, sinkConfig } from "./rows.ts";
import { residentBytes } from "./usage.ts";

const SAMPLE_MS = 250;

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "500" },
    seconds: { type: "string", default: "60" },
    cli: { type: "string" },
    "node-option": { type: "string", multiple: true, default: [] },
  },
});

type Sinks = Readonly<Record<string, object>>;

/** The receiver answers a slow sink after 200 ms, and a dead one with 503. */
const scenesOn = (port: number): Readonly<Record<string, Sinks>> => ({
  "one slow sink": { slow: sinkConfig({ sink: "datadog", gzip: true }, port, "slow") },
  "a slow, a fast and a dead sink": {
    slow: sinkConfig({ sink: "datadog", gzip: true }, port, "slow"),
    fast: sinkConfig({ sink: "splunk", gzip: true }, port, "ok"),
    dead: sinkConfig({ sink: "splunk", gzip: true }, port, "dead"),
  },
});

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

async function measure(place: Workplace, sinks: Sinks): Promise<Memory> {
  const config = place.fresh("tailcar.yaml");
  writeFileSync(config, agentConfig(place.corpus, place.fresh("state"), "json", sinks));
  const command = [...values["node-option"], place.cli, "run", "-c", config, "--once"];
  const agent = spawn(process.execPath, command, { stdio: "ignore" });
  try {
    return await watch(agent, Number(values.seconds));
  } finally {
    // The backlog is of no use to anybody: no need to let it drain.
    agent.kill("SIGKILL");
  }
}

async function main(): Promise<void> {
  using place = new Workplace(values.cli);
  writeCorpus(place.corpus, Number(values.mb) * 1e6, Date.now());
  const server = await startServer();
  try {
    for (const [name, sinks] of Object.entries(scenesOn(server.port))) {
      const { seconds, medianBytes, peakBytes } = await measure(place, sinks);
      const good = peakBytes <= MOST_PEAK_BYTES;
      if (!good) process.exitCode = 1;
      const figures = `peak ${(peakBytes / 1e6).toFixed(0)} MB, median ${(medianBytes / 1e6).toFixed(0)} MB`;
      console.log(`${name}: ${figures} in ${seconds.toFixed(0)} s${good ? "" : ", over the bar"}`);
    }
    console.log(`\nbacklog of ${values.mb} MB; the bar is ${MOST_PEAK_BYTES / 1e6} MB resident`);
  } finally {
    server.process.kill();
  }
}

await main();
