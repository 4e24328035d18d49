/**
 * Where the processor time of a row goes: functions by their own share of the main thread's samples. Compression and
 * concurrent garbage collection run on other threads and are not in it.
 * `node bench/profile.ts --only ROW [--mb 100] [--top 25] [--floor] [--cli dist/cli.js] [--installed] [--node-option=FLAG]...
 * [--keep DIRECTORY]`
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
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
import { ROWS } from "./rows.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "datadog" },
    mb: { type: "string", default: "100" },
    top: { type: "string", default: "25" },
    floor: { type: "boolean", default: false },
    ...AGENT_OPTIONS,
    keep: { type: "string" },
  },
});

/** As V8 writes it: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** Microseconds between one sample and the one before. */
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Microseconds of each function itself. */
function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? "";
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  return times;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const file = url.startsWith("node:") ? url : url.split("/").slice(-3).join("/");
  const place = file === "" ? "" : ` ${file}:${lineNumber + 1}`;
  return `${functionName === "" ? "(anonymous)" : functionName}${place}`;
}

function print(times: ReadonlyMap<string, number>): void {
  const busy = [...times].filter(([name]) => name !== "(idle)");
  const total = busy.reduce((sum, [, time]) => sum + time, 0);
  console.log(`${(total / 1e6).toFixed(2)} s of the main thread`);
  for (const [name, time] of busy.toSorted((a, b) => b[1] - a[1]).slice(0, Number(values.top))) {
    console.log(`${((100 * time) / total).toFixed(1).padStart(6)} %  ${name}`);
  }
}

async function main(): Promise<void> {
  const row = ROWS.find(({ name }) => name === values.only);
  if (row === undefined) throw new Error(`rows are ${ROWS.map(({ name }) => name).join(", ")}`);
  using place = new Workplace(values);
  writeCorpus(place.corpus, Number(values.mb) * 1e6, Date.now());
  const server = await startServer();
  try {
    const directory = dirname(place.fresh("profile"));
    const profiling = ["--cpu-prof", `--cpu-prof-dir=${directory}`];
    if (values.floor) await runMeasured(place, floorCommand(place, row, server.port), profiling);
    else await runMeasured(place, agentCommand(place, row, server.port), [...profiling, USAGE_PRELOAD]);
    for (const file of readdirSync(directory)) {
      if (values.keep !== undefined) {
        mkdirSync(values.keep, { recursive: true });
        copyFileSync(join(directory, file), join(values.keep, basename(file)));
      }
      const profile: CpuProfile = JSON.parse(readFileSync(join(directory, file), "utf8"));
      print(selfTimes(profile));
    }
  } finally {
    server.process.kill();
  }
}

await main();
