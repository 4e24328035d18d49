import { readFileSync } from "node:fs";
import type { Agent, AgentWorld } from "../agent.ts";
import { configFromFlags } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { parseAddress } from "../core/address.ts";
import { systemClock } from "../core/clock.ts";
import { EXIT, UserError } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { VERSION } from "../core/version.ts";
import { hostOf } from "../create-sink.ts";
import { watchForHints } from "../files/watcher.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { checked, ConfigFile, type Loaded } from "./config-file.ts";
import { maxDescriptors } from "./host.ts";
import type { Interruption } from "./interruption.ts";
import type { CommandIo } from "./io.ts";
import { OwnLog } from "./own-log.ts";
import type { ReloadWish } from "./reload-wish.ts";
import { Supervisor } from "./supervisor.ts";

export interface RunOptions {
  /** The configuration file; without one the flags below make the configuration. */
  readonly config?: string | undefined;
  readonly once: boolean;
  /** What a wrong configuration does at the start: ends the process, or has it wait for a right one. */
  readonly onConfigError: "exit" | "wait";
  readonly include: readonly string[];
  readonly stdin?: boolean | undefined;
  readonly sink: readonly string[];
  readonly stateDir?: string | undefined;
  readonly format?: string | undefined;
  readonly startAt?: string | undefined;
  /** Where health and metrics are served, whatever the file says, and while it is invalid too. */
  readonly listen?: string | undefined;
}

/**
 * Ships until a signal comes (or to the end of what is there). With `wish` it follows the changes of the configuration
 * file. Resolves to the exit code.
 */
export async function runCommand(
  options: RunOptions,
  io: CommandIo,
  interruption: Interruption,
  wish?: ReloadWish,
): Promise<number> {
  refuseFlagsBesideFile(options);
  if (options.listen !== undefined && parseAddress(options.listen) === undefined)
    throw new UserError(`--listen ${options.listen}: expected a host and a port, like 0.0.0.0:9600`, EXIT.usage);
  const log = new OwnLog(io.stderr);
  const emit: Emit = (event) => {
    log.emit(event);
    telemetry.observe(event);
  };
  const droppedLogLines = (): number => log.dropped;
  const telemetry = new Telemetry({
    clock: systemClock,
    version: VERSION,
    file: options.config,
    emit,
    droppedLogLines,
  });
  try {
    return await ship(options, io, interruption, wish, { log, emit, telemetry });
  } catch (error) {
    // For a person, or from a person's command line: in plain words.
    if (!(error instanceof UserError) || error.exitCode === EXIT.usage || io.stderr.isTTY === true) throw error;
    emit({ kind: "agent.failed", reason: error.message });
    return error.exitCode;
  } finally {
    await telemetry.close();
  }
}

/** What tells of the process. */
interface Voice {
  readonly log: OwnLog;
  readonly emit: Emit;
  readonly telemetry: Telemetry;
}

async function ship(
  options: RunOptions,
  io: CommandIo,
  interruption: Interruption,
  wish: ReloadWish | undefined,
  { log, emit, telemetry }: Voice,
): Promise<number> {
  await telemetry.listen(options.listen);
  const world: AgentWorld = {
    sinks: io.sinks,
    stdin: io.stdin,
    stdout: io.stdout,
    clock: systemClock,
    watch: watchForHints,
    random: Math.random,
    emit,
    meter: telemetry,
    hostname: hostOf(io.env),
    env: io.env,
    startedAt: performance.timeOrigin,
    maxDescriptors: maxDescriptors(),
  };
  const file = options.config === undefined ? undefined : new ConfigFile(options.config, { io, ...world });
  const reload = file === undefined || wish === undefined ? undefined : { file, wish };
  const waiting = options.onConfigError === "wait" ? reload : undefined;
  if (options.onConfigError === "wait" && waiting === undefined) {
    throw new UserError("--on-config-error=wait needs a configuration file to wait for, and no --once", EXIT.usage);
  }

  const loaded = await (file?.load() ?? loadFlags(options, io));
  if (!loaded.ok && waiting === undefined) {
    refuse(options, loaded.problems, io, emit);
    return loaded.exitCode;
  }
  const config = loaded.ok
    ? loaded.config
    : await waiting?.file.untilValid(loaded.problems, waiting.wish, interruption.signal);
  if (config === undefined) return EXIT.done;
  const mode = options.once ? "once" : "follow";
  const configure = async ({ log: settings, server }: Config): Promise<void> => {
    log.configure(settings);
    await telemetry.listen(options.listen ?? server?.listen);
  };
  const watch = (agent: Agent): void => telemetry.watch(() => agent.status);
  await configure(config);
  emit({
    kind: "agent.started",
    version: VERSION,
    node: process.versions.node,
    file: options.config,
    stateDir: config.stateDir,
    sources: Object.keys(config.sources),
    sinks: Object.keys(config.sinks),
  });
  const supervisor = await Supervisor.create(config, {
    mode,
    world,
    configure,
    watch,
    cwd: io.cwd,
    interruption,
    reload,
  });
  return supervisor.run();
}

/** For a person a line each; for the collector of the container's log an event like any other. */
function refuse({ config }: RunOptions, problems: readonly string[], { stderr }: CommandIo, emit: Emit): void {
  if (stderr.isTTY === true) for (const problem of problems) stderr.write(`${problem}\n`);
  else emit({ kind: "config.invalid", file: config ?? "", problems, consequence: "tailcar ends" });
}

/** A flag that is given and ignored would be a trap: who overrides the state directory for a trial would move the real cursors. */
function refuseFlagsBesideFile({ config, include, stdin, sink, stateDir, format, startAt }: RunOptions): void {
  const flags = {
    "--include": include[0],
    "--stdin": stdin,
    "--sink": sink[0],
    "--state-dir": stateDir,
    "--format": format,
    "--start-at": startAt,
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (config === undefined || given.length === 0) return;
  throw new UserError(`${given.join(", ")} cannot be used with -c: the configuration file says it`, EXIT.usage);
}

function missingFlags(hasSource: boolean, hasSink: boolean): string | undefined {
  if (hasSource && hasSink) return undefined;
  if (hasSource) return "nowhere to ship to: name a sink with --sink";
  if (hasSink) return "nothing to read: name files with --include, or --stdin";
  return "name a configuration file with -c, or what to read (--include, --stdin) and where to ship to (--sink)";
}

async function loadFlags(options: RunOptions, io: CommandIo): Promise<Loaded> {
  const { include, stdin, sink, stateDir, format, startAt } = options;
  const missing = missingFlags(include.length > 0 || stdin === true, sink.length > 0);
  if (missing !== undefined) throw new UserError(missing, EXIT.usage);
  const world = { ...io, readFile: (path: string) => readFileSync(path, "utf8") };
  const result = configFromFlags({ include, stdin, sinks: sink, stateDir, format, startAt }, world);
  const loaded = await checked(result);
  if (result.ok || loaded.ok) return loaded;
  // What no path is in is about a flag itself; the rest is about what flags leave to variables and to the directories.
  const isUsage = result.problems.some(({ path }) => path === "");
  return { ...loaded, exitCode: isUsage ? EXIT.usage : EXIT.config };
}
