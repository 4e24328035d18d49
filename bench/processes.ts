import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { agentConfig, type Row, sinkConfig } from "./rows.ts";
import type { Usage } from "./usage.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The values of `AGENT_OPTIONS`. */
export interface AgentSettings {
  readonly "node-option": readonly string[];
  readonly installed: boolean;
  readonly cli?: string | undefined;
}

/** The command line options of a benchmark that decide how the agent runs. */
export const AGENT_OPTIONS = {
  cli: { type: "string" },
  installed: { type: "boolean", default: false },
  "node-option": { type: "string", multiple: true, default: new Array<string>() },
} as const;

/** What the image sets for the agent: the flags of Node, and `NAME=value` of its environment. */
export function imageSettings(): { readonly nodeOptions: readonly string[]; readonly assignments: readonly string[] } {
  const dockerfile = readFileSync(here("../Dockerfile"), "utf8");
  const entrypoint: readonly string[] = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]");
  const assignments = dockerfile.match(/\b(?:UV_THREADPOOL_SIZE|MALLOC_ARENA_MAX)=\d+/g) ?? [];
  return { nodeOptions: entrypoint.filter((word) => word.startsWith("--")), assignments };
}

/** Where a run keeps its corpus, states and reports. Removed at the end. */
export class Workplace implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "tailcar-bench-"));
  readonly corpus = this.fresh("app.log");
  /** The agent as its package ships it: what `tailcar` stands for on a command line. */
  readonly tailcar: readonly string[];

  /**
   * `cli` is the `dist/cli.js` of another package; without one it is the project's own, which must have been built. It runs
   * with the settings of the image; with `nodeOptions`, where there are any, instead of the image's; or, if it is
   * `installed`, as the command that npm installs: executed itself, with no settings at all.
   */
  constructor({ "node-option": nodeOptions, installed, cli }: AgentSettings) {
    const file = cli === undefined ? copyPackage(dirname(this.fresh("package.json"))) : resolve(cli);
    // The compiler leaves that to the installation.
    chmodSync(file, 0o755);
    const image = imageSettings();
    const flags = nodeOptions.length > 0 ? nodeOptions : image.nodeOptions;
    this.tailcar = installed ? [file] : ["env", ...image.assignments, process.execPath, ...flags, file];
  }

  /** A path that was not used before, in a directory of its own. */
  fresh(name: string): string {
    return join(mkdtempSync(join(this.directory, "d")), name);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Copies the built package: a build that is made meanwhile must not change what is measured. */
function copyPackage(directory: string): string {
  if (!existsSync(here("../dist/cli.js"))) throw new Error("there is no dist: npm run build makes it");
  cpSync(here("../dist"), join(directory, "dist"), { recursive: true });
  copyFileSync(here("../package.json"), join(directory, "package.json"));
  symlinkSync(here("../node_modules"), join(directory, "node_modules"));
  return join(directory, "dist/cli.js");
}

/** The environment of a measured process: its `node` is the project's own, and gets these options and no others from it. */
export const environment = (nodeOptions: readonly string[]): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${here("../node_modules/.bin")}${delimiter}${process.env["PATH"] ?? ""}`,
  // Quoted, for paths with spaces: Node unquotes them as JSON has it.
  NODE_OPTIONS: nodeOptions.map((option) => JSON.stringify(option)).join(" "),
});

/** Starts the receiver that discards. Ends with `kill()`. */
export async function startServer(): Promise<{ readonly port: number; readonly process: ChildProcess }> {
  const child = spawn(process.execPath, [here("discard-server.ts")], { stdio: ["ignore", "pipe", "inherit"] });
  const [line]: unknown[] = await once(child.stdout, "data");
  return { port: Number(String(line)), process: child };
}

/** Writes the configuration of a row; returns the command that runs the agent with it. */
export function agentCommand(place: Workplace, row: Row, port: number, corpus = place.corpus): string[] {
  const config = place.fresh("tailcar.yaml");
  const sinks = { bench: sinkConfig(row, port, "ok") };
  writeFileSync(config, agentConfig(corpus, place.fresh("state"), row.format, sinks, row.redact));
  return [...place.tailcar, "run", "-c", config, "--once"];
}

/** For the agent, which does not report its usage by itself. An option of Node. */
export const USAGE_PRELOAD = `--import=${here("report-usage.mjs")}`;

/** Runs a command to its end, its stdout through a real pipe into a process that discards it. Throws if it fails. */
export async function runMeasured(
  place: Workplace,
  command: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<Usage> {
  const report = place.fresh("usage.json");
  const errors: Buffer[] = [];
  // A pipe of Node's own making is a socket pair; the shell makes a pipe.
  const child = spawn("sh", ["-c", '"$@" | cat >/dev/null', "sh", ...command], {
    env: { ...environment(nodeOptions), BENCH_USAGE: report },
    stdio: ["ignore", "inherit", "pipe"],
  });
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  await once(child, "close");
  const usage: Usage | undefined = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
  if (usage?.exitCode !== 0) throw new Error(`the measured process failed:\n${Buffer.concat(errors).toString()}`);
  return usage;
}

export const floorCommand = (place: Workplace, row: Row, port: number): string[] => [
  process.execPath,
  here("floor.ts"),
  row.name,
  place.corpus,
  String(port),
];
