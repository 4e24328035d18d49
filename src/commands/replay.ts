import { stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { StateLock } from "../checkpoint/lock.ts";
import { formatProblem } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import { BufferPool } from "../core/buffer-pool.ts";
import { systemClock } from "../core/clock.ts";
import { errorCode, EXIT, UserError } from "../core/errors.ts";
import { createSink, deadLettersOf, hostOf } from "../create-sink.ts";
import { BodyEncoder } from "../pipeline/body/encoder.ts";
import { decodeLetter } from "../pipeline/dead-letter.ts";
import {
  CLOSE_REQUEST,
  CLOSED,
  closedSegments,
  closeLeftovers,
  hasOpenSegment,
  linesOf,
  removeOrphanCursors,
} from "../pipeline/dead-letter-segments.ts";
import { DeadLetters } from "../pipeline/dead-letters.ts";
import { Replay, type ReplayResult } from "../pipeline/replay.ts";
import type { Interruption } from "./interruption.ts";
import type { CommandIo } from "./io.ts";
import { OwnLog } from "./own-log.ts";

export interface ReplayOptions {
  readonly config: string;
  readonly sink?: string | undefined;
}

/** How long a running agent may take to close its segment. */
const CLOSE_TIMEOUT_MS = 5_000;
const CLOSE_POLL_MS = 100;

const POOL_BYTES = 8 * 1_024 ** 2;

/** What is replayed to a sink: paths of closed segments, oldest first. */
type Work = ReadonlyMap<string, readonly string[]>;

/**
 * Sends dead letters again, beside a running agent or without one, until they are delivered or a signal comes. Resolves to
 * the exit code: 0 if none is left, 75 if some are, 1 if some lines were no letters.
 */
export async function replayCommand(
  file: string | undefined,
  options: ReplayOptions,
  io: CommandIo,
  interruption: Interruption,
): Promise<number> {
  const loaded = readConfig(options.config, io);
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT.config;
  }
  const { config } = loaded;
  if (options.sink !== undefined) assertSink(options.sink, config);
  const log = new OwnLog(io.stderr);
  log.configure(config.log);
  const lock = await lockReplay(config);
  try {
    const work =
      file === undefined
        ? await findWork(options.sink === undefined ? Object.keys(config.sinks) : [options.sink], config, io)
        : await workOfFile(resolve(io.cwd, file), options.sink, config);
    const results = await Promise.all(
      [...work].map(([name, segments]) => replaySink(name, segments, { config, io, log, signal: interruption.signal })),
    );
    return conclude(results);
  } finally {
    await lock.release();
  }
}

function assertSink(name: string, config: Config): void {
  if (config.sinks[name] !== undefined) return;
  throw new UserError(`no sink ${name}; known are ${Object.keys(config.sinks).join(", ")}`, EXIT.usage);
}

/** Two replays would send the same letters. */
async function lockReplay(config: Config): Promise<StateLock> {
  try {
    return await StateLock.acquire(join(config.stateDir, "replay"), systemClock);
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.includes("in use")) throw error;
    throw new UserError("another tailcar replay of this state directory is under way");
  }
}

/** The closed segments of the sinks, after what is open was closed as far as it can be. */
async function findWork(names: readonly string[], config: Config, io: CommandIo): Promise<Work> {
  await closeOpenSegments(names, config, io);
  const work = new Map<string, readonly string[]>();
  for (const name of names) {
    const directory = deadLettersOf(name, config);
    await closeLeftovers(directory, "returned");
    await removeOrphanCursors(directory);
    const segments = await closedSegments(directory);
    work.set(
      name,
      segments.map((segment) => join(directory, segment)),
    );
  }
  return work;
}

/** Whoever holds the state directory is the one to close its segments: a running agent, or else this process for a moment. */
async function closeOpenSegments(names: readonly string[], config: Config, io: CommandIo): Promise<void> {
  const directories = names.map((name) => deadLettersOf(name, config));
  const open = async (): Promise<readonly string[]> => {
    const states = await Promise.all(directories.map((directory) => hasOpenSegment(directory, "open")));
    return directories.filter((_, index) => states[index]);
  };
  const found = await open();
  if (found.length === 0) return;
  if (await closeWithoutAgent(found, config)) return;
  await Promise.all(found.map((directory) => writeFile(join(directory, CLOSE_REQUEST), "", { mode: 0o600 })));
  const deadlineMs = systemClock.elapsed() + CLOSE_TIMEOUT_MS;
  while (systemClock.elapsed() < deadlineMs) {
    await systemClock.sleep(CLOSE_POLL_MS);
    if ((await open()).length === 0) return;
  }
  io.stderr.write("the running agent did not close its segment in time; what is in it is left for another replay\n");
}

async function closeWithoutAgent(directories: readonly string[], config: Config): Promise<boolean> {
  let lock: StateLock;
  try {
    lock = await StateLock.acquire(config.stateDir, systemClock);
  } catch (error) {
    if (error instanceof UserError && error.message.includes("in use")) return false;
    throw error;
  }
  try {
    for (const directory of directories) await closeLeftovers(directory, "open");
    return true;
  } finally {
    await lock.release();
  }
}

/** A file that somebody names, which may lie anywhere; without `--sink` its own letters say where they belong. */
async function workOfFile(path: string, wanted: string | undefined, config: Config): Promise<Work> {
  if (!path.endsWith(CLOSED) && path.includes(`${CLOSED}.`)) {
    throw new UserError(`${path} is not a closed segment; tailcar replay without a file closes it first`, EXIT.usage);
  }
  try {
    if (!(await stat(path)).isFile()) throw new UserError(`${path} is not a file`, EXIT.usage);
  } catch (error) {
    if (errorCode(error) === "ENOENT") throw new UserError(`there is no ${path}`, EXIT.usage);
    throw error;
  }
  const name = wanted ?? (await sinkOf(path));
  if (name === undefined) throw new UserError(`${path} holds no dead letter`, EXIT.usage);
  assertSink(name, config);
  return new Map([[name, [path]]]);
}

async function sinkOf(path: string): Promise<string | undefined> {
  for await (const { text } of linesOf(path)) {
    const letter = decodeLetter(text);
    if (letter !== undefined) return letter.sink;
  }
  return undefined;
}

interface Means {
  readonly config: Config;
  readonly io: CommandIo;
  readonly log: OwnLog;
  readonly signal: AbortSignal;
}

async function replaySink(
  name: string,
  segments: readonly string[],
  { config, io, log, signal }: Means,
): Promise<ReplayResult> {
  const pool = new BufferPool(POOL_BYTES);
  const deadLetters = new DeadLetters({
    directory: deadLettersOf(name, config),
    sink: name,
    // What is refused again was in the bound before, and is taken out of it when its segment goes.
    maxBytes: Number.POSITIVE_INFINITY,
    full: "block",
    owner: "returned",
    clock: systemClock,
  });
  const replay = new Replay({
    name,
    sink: createSink(name, config, { ...io, clock: systemClock, hostname: hostOf(io.env) }),
    deadLetters,
    encoder: new BodyEncoder(pool),
    pool,
    clock: systemClock,
    random: Math.random,
    emit: log.emit,
  });
  const sum = { delivered: 0, returned: 0, damaged: 0, finished: true };
  for (const segment of segments) {
    const { delivered, returned, damaged, finished } = await replay.segment(segment, signal);
    sum.delivered += delivered;
    sum.returned += returned;
    sum.damaged += damaged;
    sum.finished &&= finished;
  }
  await replay.close();
  const rest = sum.finished ? "" : "; stopped before the end, the rest is kept";
  const damaged = sum.damaged === 0 ? "" : `, ${sum.damaged} lines were no letters and lie in *.damaged`;
  io.stderr.write(`${name}: ${sum.delivered} delivered, ${sum.returned} refused again and kept${damaged}${rest}\n`);
  return sum;
}

function conclude(results: readonly ReplayResult[]): number {
  if (results.some(({ damaged }) => damaged > 0)) return EXIT.failed;
  return results.every(({ finished, returned }) => finished && returned === 0) ? EXIT.done : EXIT.undelivered;
}
