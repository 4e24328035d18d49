/*
 * Long, for it is the story of one measurement from its processes to its bars.
 *
 * What sick sinks cost a healthy one, and what healthy ones cost each other, see docs/performance.md.
 * `npm run bench:fan-out -- [--mb 150] [--pairs 5] [--seconds 30] [--cli dist/cli.js]`
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeCorpus } from "./corpus.ts";
import { AGENT_OPTIONS, environment, Workplace } from "./processes.ts";
import { MIB, RESOURCE, SECRETS } from "./rows.ts";
import { cpuSeconds, residentBytes } from "./usage.ts";

/** Bars: of the healthy sink's own figures; of one sink's reading, parsing and redaction; growth of memory. */
const LEAST_PART = 0.85;
const MOST_SHARED = 1.3;
const MOST_GROWTH_BYTES = 5 * MIB;

const POLL_MS = 20;
const SAMPLE_MS = 250;
/** In the run for the memory the application writes this much each time. */
const CHUNK_BYTES = 256 * 1_024;

const { values } = parseArgs({
  options: {
    mb: { type: "string", default: "150" },
    pairs: { type: "string", default: "5" },
    seconds: { type: "string", default: "30" },
    ...AGENT_OPTIONS,
  },
});

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

/** Bytes that a process has asked the kernel for. */
const readBytes = (pid: number): number =>
  Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? Number.NaN);

const sink = (endpoint: string): object => ({ type: "datadog", endpoint, apiKey: "bench" });

const healthy = (port: number, number: number): Record<string, object> => ({
  [`healthy-${number}`]: sink(`http://127.0.0.1:${port}/healthy-${number}/x`),
});

/** Five sinks, each sick in its way for all the time. */
const sick = (port: number): Record<string, object> => ({
  hung: sink(`http://127.0.0.1:${port}/hung/x`),
  dead: sink(`http://127.0.0.1:${port}/dead/x`),
  limited: sink(`http://127.0.0.1:${port}/limited/x`),
  blocked: sink(`http://127.0.0.1:${port}/blocked/x`),
  unresolved: sink("http://intake.black-hole.test/x"),
});

/** What is done with each line before it is a sink's: nothing, or as much as most users want. */
const PLAIN = { format: "raw", transforms: [] };
const WORKED = { format: "json", transforms: [{ redact: { patterns: SECRETS } }] };

interface Setting {
  readonly sinks: Readonly<Record<string, object>>;
  readonly log: string;
  readonly lines: typeof PLAIN | typeof WORKED;
}

/** The receivers, an agent and its log, from the start of the agent to its kill. */
class Run implements Disposable {
  readonly agent: ChildProcess;
  readonly pid: number;
  readonly log: string;
  readonly #port: number;

  constructor({ place, fifo, port }: Bench, { sinks, log, lines: { format, transforms } }: Setting) {
    this.log = log;
    this.#port = port;
    const config = place.fresh("tailcar.yaml");
    const sources = { app: { include: [log], format } };
    const stateDir = place.fresh("state");
    writeFileSync(config, JSON.stringify({ stateDir, resource: RESOURCE, sources, transforms, sinks }));
    const [program = "", ...options] = place.tailcar;
    const env = { ...environment([`--import=${here("black-hole-resolver.mjs")}`]), BENCH_FIFO: fifo };
    this.agent = spawn(program, [...options, "run", "-c", config], { stdio: "ignore", env });
    if (this.agent.pid === undefined) throw new Error("the agent did not start");
    this.pid = this.agent.pid;
  }

  /** Waits until each of the sinks has so many more records than `before`. Returns what they have. */
  async until(names: readonly string[], records: number, before: Readonly<Record<string, number>>) {
    for (;;) {
      const counts = await countsOf(this.#port);
      if (names.every((name) => (counts[name] ?? 0) - (before[name] ?? 0) >= records)) return counts;
      if (this.agent.exitCode !== null) throw new Error(`the agent ended with ${this.agent.exitCode}`);
      await delay(POLL_MS);
    }
  }

  [Symbol.dispose](): void {
    this.agent.kill("SIGKILL");
  }
}

async function countsOf(port: number): Promise<Readonly<Record<string, number>>> {
  const response = await fetch(`http://127.0.0.1:${port}/counts`);
  const counts: Record<string, number> = JSON.parse(await response.text());
  return counts;
}

interface Figures {
  /** From the start of the agent. */
  readonly cpuSeconds: number;
  readonly perCpuSecond: number;
  readonly perSecond: number;
  readonly readBytes: number;
  readonly peakBytes: number;
}

interface Bench {
  readonly place: Workplace;
  readonly fifo: string;
  readonly port: number;
  readonly bytes: number;
  readonly records: number;
}

/** From the first record that the healthy sinks got to the last. */
async function measure(
  bench: Bench,
  sinks: Readonly<Record<string, object>>,
  lines: Setting["lines"] = WORKED,
): Promise<Figures> {
  const { place, port, bytes, records } = bench;
  const names = Object.keys(sinks).filter((name) => name.startsWith("healthy"));
  const before = await countsOf(port);
  using run = new Run(bench, { sinks, log: place.corpus, lines });
  const first = await run.until(names, 1, before);
  const [cpu, wallMs] = [cpuSeconds(run.pid), performance.now()];
  await run.until(names, records, before);
  const got = (first[names[0] ?? ""] ?? 0) - (before[names[0] ?? ""] ?? 0);
  const part = bytes * (1 - got / records);
  const total = cpuSeconds(run.pid);
  return {
    cpuSeconds: total,
    perCpuSecond: part / (total - cpu),
    perSecond: (part / (performance.now() - wallMs)) * 1_000,
    readBytes: readBytes(run.pid),
    peakBytes: residentBytes(run.pid, "VmHWM"),
  };
}

/** Memory of the agent while the application goes on writing: the medians of the second and of the last quarter. */
async function growth(bench: Bench): Promise<{ readonly second: number; readonly last: number }> {
  const { place, port } = bench;
  const log = place.fresh("growing.log");
  copyFileSync(place.corpus, log);
  const chunk = readFileSync(place.corpus).subarray(0, CHUNK_BYTES);
  const lines = chunk.subarray(0, chunk.lastIndexOf(0x0a) + 1);
  using run = new Run(bench, { sinks: { ...healthy(port, 1), ...sick(port) }, log, lines: WORKED });
  const samples: number[] = [];
  const endMs = performance.now() + Number(values.seconds) * 1_000;
  while (performance.now() < endMs) {
    await delay(SAMPLE_MS);
    appendFileSync(log, lines);
    samples.push(residentBytes(run.pid, "VmRSS"));
  }
  const quarter = samples.length >> 2;
  return { second: median(samples.slice(quarter, 2 * quarter)), last: median(samples.slice(3 * quarter)) };
}

function judge(name: string, figure: string, good: boolean): void {
  if (!good) process.exitCode = 1;
  console.log(`${name.padEnd(58)} ${figure.padStart(24)}  bar ${good ? "kept" : "MISSED"}`);
}

const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
const mebibytes = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;

async function compare(bench: Bench): Promise<void> {
  const { port } = bench;
  const pairs: { alone: Figures; among: Figures }[] = [];
  for (let pair = 0; pair < Number(values.pairs); pair += 1) {
    const alone = await measure(bench, healthy(port, 1));
    pairs.push({ alone, among: await measure(bench, { ...healthy(port, 1), ...sick(port) }) });
  }
  const ratio = (key: keyof Figures): number => median(pairs.map(({ alone, among }) => among[key] / alone[key]));
  const each = (key: "perCpuSecond" | "perSecond"): string =>
    pairs.map(({ alone, among }) => `${(among[key] / 1e6).toFixed(0)}/${(alone[key] / 1e6).toFixed(0)}`).join(" ");
  console.log(`MB per CPU second among five sick sinks/alone: ${each("perCpuSecond")}`);
  console.log(`MB per second: ${each("perSecond")}`);
  const cpu = ratio("perCpuSecond");
  judge("the healthy sink's bytes per CPU second among five sick ones", percent(cpu), cpu >= LEAST_PART);
  const rate = ratio("perSecond");
  judge("its rate", percent(rate), rate >= LEAST_PART);
  const peaks = (of: "alone" | "among"): string => mebibytes(Math.max(...pairs.map((pair) => pair[of].peakBytes)));
  console.log(`peak of the memory: ${peaks("alone")} alone, ${peaks("among")} among them`);
}

/**
 * What is done once however many sinks there are. The processor time of parsing and redaction is what a run with them takes
 * beyond one without: the rest of both, such as encoding, is each sink's own.
 */
async function compareShared(bench: Bench): Promise<void> {
  const one = healthy(bench.port, 1);
  const three = { ...one, ...healthy(bench.port, 2), ...healthy(bench.port, 3) };
  const costs: { readonly one: number; readonly three: number }[] = [];
  let reading = Number.NaN;
  for (let pair = 0; pair < Number(values.pairs); pair += 1) {
    const [ofOne, plainOfOne] = [await measure(bench, one), await measure(bench, one, PLAIN)];
    const [ofThree, plainOfThree] = [await measure(bench, three), await measure(bench, three, PLAIN)];
    costs.push({
      one: ofOne.cpuSeconds - plainOfOne.cpuSeconds,
      three: ofThree.cpuSeconds - plainOfThree.cpuSeconds,
    });
    reading = ofThree.readBytes / ofOne.readBytes;
  }
  judge("what three healthy sinks read, beside one", `${reading.toFixed(2)} times`, reading <= MOST_SHARED);
  const each = costs.map((cost) => `${cost.three.toFixed(2)}/${cost.one.toFixed(2)}`).join(" ");
  console.log(`seconds of parsing and redaction for three sinks/for one: ${each}`);
  const ratio = median(costs.map((cost) => cost.three / cost.one));
  judge("what they parse and redact, beside one", `${ratio.toFixed(2)} times`, ratio <= MOST_SHARED);
}

async function main(): Promise<void> {
  using place = new Workplace(values);
  const bytes = writeCorpus(place.corpus, Number(values.mb) * 1e6, Date.now());
  const records = readFileSync(place.corpus).reduce((sum, byte) => sum + Number(byte === 0x0a), 0);
  const fifo = place.fresh("fifo");
  execFileSync("mkfifo", [fifo]);
  const server = spawn(process.execPath, [here("fan-out-server.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line]: unknown[] = await once(server.stdout, "data");
    const bench = { place, fifo, port: Number(String(line)), bytes, records };
    await compare(bench);
    await compareShared(bench);
    const { second, last } = await growth(bench);
    const figure = `${mebibytes(second)}, ${mebibytes(last)}`;
    judge("memory of the second and of the last quarter, among them", figure, last - second <= MOST_GROWTH_BYTES);
  } finally {
    server.kill();
  }
}

await main();
