/**
 * What many files cost: memory for each, processor time when nothing happens, and how soon a line arrives, see
 * docs/performance.md. `npm run bench:scale -- [--live 1000] [--idle 10000] [--seconds 60] [--installed] [--cli dist/cli.js] [--node-option=FLAG]...`
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { AGENT_OPTIONS, environment, Workplace } from "./processes.ts";
import { agentConfig } from "./rows.ts";
import { cpuSeconds, residentBytes } from "./usage.ts";

const FEW_FILES = 10;
const FILES_A_DIRECTORY = 1_000;
const SETTLE_MS = 10_000;
const PROBES = 40;
const PROBE_PAUSE_MS = 100;
const MOST_WAIT_MS = 2_500;
const LONG_AGO = new Date("2020-01-01");

const BARS = { fileBytes: 8 * 1_024, idlePart: 0.02, arrivalMs: 2_000 };

const { values } = parseArgs({
  options: {
    live: { type: "string", default: "1000" },
    idle: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
    ...AGENT_OPTIONS,
  },
});

interface Figures {
  readonly startSeconds: number;
  readonly residentBytes: number;
  readonly idlePart: number;
  readonly arrivalsMs: readonly number[];
}

/** Writes files of one line, and makes all but the first `live` look as if nobody had written to them for years. */
function writeFiles(directory: string, live: number, idle: number): string[] {
  return Array.from({ length: live + idle }, (_, file) => {
    const path = join(directory, `${Math.floor(file / FILES_A_DIRECTORY)}`, `app-${file}.log`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `the first line of file ${file}\n`);
    if (file >= live) utimesSync(path, LONG_AGO, LONG_AGO);
    return path;
  });
}

type Agent = ChildProcessByStdio<null, Readable, null>;

function startAgent(place: Workplace, directory: string): Agent {
  const config = place.fresh("tailcar.yaml");
  const sinks = { out: { type: "stdout", format: "raw" } };
  writeFileSync(config, agentConfig(join(directory, "**/*.log"), place.fresh("state"), "raw", sinks));
  const [program = "", ...options] = place.tailcar;
  return spawn(program, [...options, "run", "-c", config], {
    stdio: ["ignore", "pipe", "ignore"],
    env: environment([]),
  });
}

async function measure(place: Workplace, live: number, idle: number, seconds: number): Promise<Figures> {
  const directory = dirname(place.fresh("logs"));
  const files = writeFiles(directory, live, idle);
  const startMs = performance.now();
  const agent = startAgent(place, directory);
  const pid = agent.pid ?? 0;
  let lines = 0;
  const sentMs = new Map<string, number>();
  const arrivalsMs: number[] = [];
  agent.stdout.on("data", (chunk: Buffer) => {
    const text = chunk.toString();
    lines += text.split("\n").length - 1;
    for (const [probe] of text.matchAll(/probe \d+/g))
      arrivalsMs.push(performance.now() - (sentMs.get(probe) ?? Number.NaN));
  });
  try {
    while (lines < files.length && agent.exitCode === null) await delay(50);
    const startSeconds = (performance.now() - startMs) / 1_000;
    await delay(SETTLE_MS);
    const [cpuBefore, msBefore] = [cpuSeconds(pid), performance.now()];
    await delay(seconds * 1_000);
    const idlePart = (cpuSeconds(pid) - cpuBefore) / ((performance.now() - msBefore) / 1_000);
    const resident = residentBytes(pid, "VmRSS");
    for (let probe = 0; probe < PROBES; probe += 1) {
      const text = `probe ${probe}`;
      sentMs.set(text, performance.now());
      appendFileSync(files[(probe * 577) % files.length] ?? "", `${text}\n`);
      await delay(PROBE_PAUSE_MS);
    }
    await delay(MOST_WAIT_MS);
    return { startSeconds, residentBytes: resident, idlePart, arrivalsMs };
  } finally {
    agent.kill("SIGTERM");
    await once(agent, "exit");
  }
}

function tell(what: string, value: string, isKept: boolean): void {
  if (!isKept) process.exitCode = 1;
  console.log(`${what}: ${value}, bar ${isKept ? "kept" : "MISSED"}`);
}

async function main(): Promise<void> {
  using place = new Workplace(values);
  const [live, idle] = [Number(values.live), Number(values.idle)];
  const few = await measure(place, FEW_FILES, 0, 1);
  const many = await measure(place, live, idle, Number(values.seconds));
  const fileBytes = (many.residentBytes - few.residentBytes) / (live + idle - FEW_FILES);
  const arrivals = many.arrivalsMs.toSorted((a, b) => a - b);
  const latest = arrivals.length < PROBES ? Number.POSITIVE_INFINITY : (arrivals.at(-1) ?? Number.NaN);
  console.log(`${live} live and ${idle} idle files: all first lines shipped after ${many.startSeconds.toFixed(1)} s`);
  tell("memory a file", `${(fileBytes / 1_024).toFixed(1)} KiB`, fileBytes <= BARS.fileBytes);
  tell("processor when idle", `${(many.idlePart * 100).toFixed(2)} % of a core`, many.idlePart <= BARS.idlePart);
  const median = (arrivals[arrivals.length >> 1] ?? Number.NaN).toFixed(0);
  tell("a line arrives after", `${median} ms (median), ${latest.toFixed(0)} ms at most`, latest <= BARS.arrivalMs);
}

await main();
