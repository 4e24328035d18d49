import { hostname } from "node:os";
import { Agent, type AgentWorld } from "../agent.ts";
import { inspectPaths } from "../config/access.ts";
import { configFromFlags, formatProblem, type LoadResult } from "../config/load.ts";
import { readConfig } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import { readFileSync } from "node:fs";
import { systemClock } from "../core/clock.ts";
import { EXIT, UserError } from "../core/errors.ts";
import { createLogger, logEvents } from "../telemetry/logger.ts";
import { limitHeap } from "./heap.ts";
import type { Interruption } from "./interruption.ts";
import type { CommandIo } from "./io.ts";

export interface RunOptions {
  /** The configuration file; without one the flags below make the configuration. */
  readonly config?: string | undefined;
  readonly once: boolean;
  readonly include: readonly string[];
  readonly sink: readonly string[];
  readonly stateDir?: string | undefined;
  readonly format?: string | undefined;
  readonly startAt?: string | undefined;
}

/** Ships until a signal comes (or to the end of what is there). Resolves to the exit code. */
export async function runCommand(options: RunOptions, io: CommandIo, interruption: Interruption): Promise<number> {
  const loaded = await load(options, io);
  if (loaded === undefined) return EXIT.config;
  const logger = createLogger({ ...loaded.log, stream: io.stderr });
  const world: AgentWorld = {
    sinks: io.sinks,
    stdout: io.stdout,
    clock: systemClock,
    random: Math.random,
    emit: logEvents(logger),
    hostname: io.env["HOSTNAME"] ?? hostname(),
  };
  const agent = await Agent.create(loaded, world);
  const stop = (): void => agent.stop(interruption.reason ?? "interrupted");
  if (interruption.signal.aborted) stop();
  interruption.signal.addEventListener("abort", stop);
  interruption.repeated.addEventListener("abort", stop);
  limitHeap();
  return agent.run(options.once ? "once" : "follow");
}

async function load(options: RunOptions, io: CommandIo): Promise<Config | undefined> {
  const loaded = options.config === undefined ? loadFlags(options, io) : readConfig(options.config, io);
  const problems = loaded.ok ? (await inspectPaths(loaded.config, loaded.report)).problems : loaded.problems;
  for (const problem of problems) io.stderr.write(`${formatProblem(problem)}\n`);
  return loaded.ok && problems.length === 0 ? loaded.config : undefined;
}

function loadFlags({ include, sink, stateDir, format, startAt }: RunOptions, io: CommandIo): LoadResult {
  if (include.length === 0 || sink.length === 0) {
    throw new UserError(
      "name a configuration file with -c, or files with --include and a destination with --sink",
      EXIT.usage,
    );
  }
  const world = { ...io, readFile: (path: string) => readFileSync(path, "utf8") };
  return configFromFlags({ include, sinks: sink, stateDir, format, startAt }, world);
}
