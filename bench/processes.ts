import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { agentConfig, type Row, sinkConfig } from "./rows.ts";
import type { Usage } from "./usage.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Where a run keeps its corpus, states and reports. Removed at the end. */
export class Workplace implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "tailcar-bench-"));
  readonly corpus = this.fresh("app.log");
  /** The agent as its package ships it: stripping types at the start is not part of what users run. */
  readonly cli: string;

  /** `cli` is the `dist/cli.js` of a package that is there already; without one the package is built from the sources. */
  constructor(cli?: string) {
    this.cli = cli === undefined ? buildPackage(dirname(this.fresh("package.json"))) : resolve(cli);
  }

  /** A path that was not used before, in a directory of its own. */
  fresh(name: string): string {
    return join(mkdtempSync(join(this.directory, "d")), name);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function buildPackage(directory: string): string {
  copyFileSync(here("../package.json"), join(directory, "package.json"));
  symlinkSync(here("../node_modules"), join(directory, "node_modules"));
  const options = ["-p", here("../tsconfig.build.json"), "--outDir", join(directory, "dist")];
  const tsc = spawnSync(process.execPath, [here("../node_modules/typescript/bin/tsc"), ...options], {
    stdio: "inherit",
  });
  if (tsc.status !== 0) throw new Error("the sources do not compile");
  return join(directory, "dist/cli.js");
}

/** Starts the receiver that discards. Ends with `kill()`. */
export async function startServer(): Promise<{ readonly port: number; readonly process: ChildProcess }> {
  const child = spawn(process.execPath, [here("discard-server.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const [line]: unknown[] = await once(child.stdout, "data");
  return { port: Number(String(line)), process: child };
}

/** Writes the configuration of a row; returns the arguments that run the agent with it. */
export function agentArguments(place: Workplace, row: Row, port: number, corpus = place.corpus): string[] {
  const config = place.fresh("tailcar.yaml");
  const sinks = { bench: sinkConfig(row, port, "ok") };
  writeFileSync(config, agentConfig(corpus, place.fresh("state"), row.format, sinks));
  return [place.cli, "run", "-c", config, "--once"];
}

export const USAGE_PRELOAD = ["--import", here("report-usage.mjs")];

/** Runs Node to its end, its stdout through a real pipe into a process that discards it. Throws if it fails. */
export async function runMeasured(place: Workplace, argumentsOfNode: readonly string[]): Promise<Usage> {
  const report = place.fresh("usage.json");
  const errors: Buffer[] = [];
  // A pipe of Node's own making is a socket pair; the shell makes a pipe.
  const child = spawn("sh", ["-c", '"$@" | cat >/dev/null', "sh", process.execPath, ...argumentsOfNode], {
    env: { ...process.env, BENCH_USAGE: report },
    stdio: ["ignore", "inherit", "pipe"],
  });
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  await once(child, "close");
  const usage: Usage | undefined = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
  if (usage?.exitCode !== 0) throw new Error(`the measured process failed:\n${Buffer.concat(errors).toString()}`);
  return usage;
}

export const floorArguments = (place: Workplace, row: Row, port: number): string[] => [
  here("floor.ts"),
  row.name,
  place.corpus,
  String(port),
];
