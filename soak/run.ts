import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { Written } from "../test/support/accounting.ts";
import { NODE, PROJECT } from "../test/support/agent-process.ts";
import { until } from "../test/support/poll.ts";
import { forget, seeded, trouble, wait } from "./faults.ts";
import { meanOfQuarter, quietSample, type Sample, sampleOf } from "./samples.ts";
import { Subject } from "./subject.ts";

/**
 * Lets two agents follow the same rotating files while all their sinks fail at random. One of them is killed, suspended and
 * restarted again and again; the other runs through and has its memory and its handles measured. In the end every line must
 * have arrived at every sink, by its own number, and the accounts must say so. The oracle imports nothing of src.
 *
 *     npm run soak -- --minutes 10
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    /** Lines a second of each file. */
    rate: { type: "string", default: "150" },
    keep: { type: "boolean", default: false },
  },
});

const FILES = 3;
const ROTATIONS_A_SECOND = 0.2;
const KEPT_GENERATIONS = 40;
const MIB = 1_024 ** 2;
const MAX_GROWTH_BYTES = 5_000_000;
/** The grace of rotated files, and some to spare: then all that can be closed is closed. */
const SETTLE_MS = 15_000;

const seconds = Number(values.minutes) * 60;
const random = seeded(Number(values.seed));
const dir = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-soak-")));
const logs = join(dir, "logs");
mkdirSync(logs);
const startedAt = performance.now();
const elapsedMs = (): number => performance.now() - startedAt;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const steady = new Subject("steady", dir, logs);
const victim = new Subject("victim", dir, logs);
const subjects = [steady, victim];

function startWriter(): { readonly child: ChildProcess; readonly written: Promise<Written> } {
  const options = {
    dir: logs,
    files: FILES,
    rate: values.rate,
    seconds,
    rotations: ROTATIONS_A_SECOND,
    keep: KEPT_GENERATIONS,
    "rotate-from": "signal",
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(NODE, [join(PROJECT, "test/support/log-writer.ts"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const read = async (): Promise<Written> => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await once(child, "close");
    return z.object({ written: z.record(z.string(), z.number()) }).parse(JSON.parse(text)).written;
  };
  return { child, written: read() };
}

/** Kills, suspends and restarts the victim. Returns how often it did what. */
async function torment(signal: AbortSignal): Promise<Readonly<Record<string, number>>> {
  const counts = { killed: 0, suspended: 0, restarted: 0 };
  while (!signal.aborted) {
    await wait(3_000 + random() * 9_000, signal);
    const { agent } = victim;
    if (signal.aborted || agent === undefined) break;
    if (agent.exit !== undefined) throw new Error(`the victim ended by itself\n${agent.tail()}`);
    const choice = random();
    if (choice < 0.25) {
      agent.signal("SIGSTOP");
      await wait(500 + random() * 3_000, signal);
      agent.signal("SIGCONT");
      counts.suspended += 1;
      continue;
    }
    if (choice < 0.4) await agent.terminate();
    else await agent.kill9();
    if (choice < 0.4) counts.restarted += 1;
    else counts.killed += 1;
    victim.start();
  }
  return counts;
}

async function watch(pid: number, samples: Sample[], signal: AbortSignal): Promise<void> {
  print("   min     RSS MiB   handles   sockets   lines at datadog / splunk / console (again)");
  const everyMs = Math.max(5_000, (seconds * 1_000) / 40);
  for (let nextMs = elapsedMs(); !signal.aborted; await wait(1_000, signal)) {
    const sample = sampleOf(pid, elapsedMs());
    samples.push(sample);
    if (elapsedMs() < nextMs) continue;
    nextMs += everyMs;
    printSample(sample);
  }
}

function printSample({ atMs, rssBytes, handles, sockets }: Sample): void {
  const cells = [(atMs / 60_000).toFixed(1), (rssBytes / MIB).toFixed(1), handles, sockets];
  const counts = Object.values(steady.accounts).map(({ seen, duplicates }) => `${seen} (${duplicates})`);
  print(`${cells.map((cell) => String(cell).padStart(9)).join(" ")}   ${counts.join(" / ")}`);
}

/** What must hold in the end. Each is printed; the exit code tells whether all did. */
const verdicts: boolean[] = [];
function verdict(holds: boolean, what: string): void {
  verdicts.push(holds);
  print(`${holds ? "ok    " : "FAILED"} ${what}`);
}

async function soak(): Promise<void> {
  for (const subject of subjects) await subject.open();
  const writer = startWriter();
  const agent = steady.start();
  victim.start();
  await until("every file at every sink", () =>
    subjects.every(({ accounts }) => Object.values(accounts).every(({ files }) => files === FILES)),
  );
  const before = await quietSample(agent.pid, elapsedMs);
  writer.child.kill("SIGUSR2");

  const end = new AbortController();
  const samples: Sample[] = [];
  const troubles = subjects.flatMap(({ datadog, splunk }) => [datadog, splunk]);
  const running = Promise.all([
    torment(end.signal),
    watch(agent.pid, samples, end.signal),
    ...troubles.map((intake) => trouble(intake, random, end.signal)),
    ...subjects.map(({ splunk }) => forget(splunk, random, end.signal)),
  ]);
  const written = await Promise.race([writer.written, running.then(() => writer.written)]);
  end.abort();
  const [torments, , ...faults] = await running;
  await conclude(written, samples, before, { torments, faults });
}

async function conclude(
  written: Written,
  samples: readonly Sample[],
  before: Sample,
  story: { readonly torments: object; readonly faults: readonly number[] },
): Promise<void> {
  const hasArrived = await until("everything at every sink", () => subjects.every((one) => one.hasAll(written)), {
    timeoutMs: 60_000,
    everyMs: 250,
  }).catch(() => false);
  await pause(SETTLE_MS);
  const after = await quietSample(steady.agent?.pid ?? 0, elapsedMs);
  printSample(after);
  print(
    `\nwritten ${JSON.stringify(written)}; faults of the intakes ${story.faults.join(", ")}; victim ${JSON.stringify(story.torments)}`,
  );
  verdict(hasArrived, "every line but the refused ones arrived at every sink");
  for (const subject of subjects) await concludeSubject(subject);
  const missing = subjects.flatMap((subject) => subject.faults(written));
  verdict(
    missing.length === 0,
    `nothing is missing anywhere${missing.length === 0 ? "" : `: ${missing.slice(0, 10).join("; ")}`}`,
  );
  const violations = subjects.flatMap((one) => one.violations);
  verdict(
    violations.length === 0,
    `no request was against the rules${violations.length === 0 ? "" : `: ${violations[0]}`}`,
  );
  const [second, last] = [meanOfQuarter(samples, 2), meanOfQuarter(samples, 4)];
  const memory = `mean RSS of the second quarter ${(second / MIB).toFixed(1)} MiB, of the last ${(last / MIB).toFixed(1)} MiB`;
  verdict(last - second <= MAX_GROWTH_BYTES, memory);
  verdict(
    after.handles === before.handles,
    `handles without sockets: ${before.handles} before, ${after.handles} after`,
  );
}

async function concludeSubject(subject: Subject): Promise<void> {
  const exit = await subject.agent?.terminate();
  verdict(exit?.code === 0, `${subject.name} ended with ${exit?.code ?? exit?.signal} after ${subject.runs} runs`);
  const audit = await subject.audit();
  print(audit.text.trimEnd());
  verdict(audit.code === 0, `the audit of ${subject.name} ended with ${audit.code}`);
  const replay = await subject.replay();
  verdict(replay.code === 0, `the replay of ${subject.name} ended with ${replay.code}: ${replay.text}`);
  const again = Object.entries(subject.accounts).map(([sink, { duplicates }]) => `${sink} ${duplicates}`);
  print(`lines of ${subject.name} that came again: ${again.join(", ")}`);
}

print(`soak of ${values.minutes} min, seed ${values.seed}, in ${dir}`);
try {
  await soak();
} finally {
  for (const subject of subjects) await subject.close();
  if (!values.keep) rmSync(dir, { recursive: true, force: true });
}
const failed = verdicts.filter((holds) => !holds).length;
print(failed === 0 ? "PASSED" : `FAILED: ${failed} of ${verdicts.length}`);
process.exitCode = failed === 0 ? 0 : 1;
