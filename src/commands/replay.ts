import { join, resolve } from "node:path";
import { StateLock } from "../checkpoint/lock.ts";
import { formatProblem } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import { BufferPool } from "../core/buffer-pool.ts";
import { systemClock } from "../core/clock.ts";
import { EXIT, UserError } from "../core/errors.ts";
import { createSink, deadLettersOf, hostOf } from "../create-sink.ts";
import { BodyEncoder } from "../pipeline/body/encoder.ts";
import { DeadLetters } from "../pipeline/dead-letters.ts";
import { Replay, type ReplayResult } from "../pipeline/replay.ts";
import type { Interruption } from "./interruption.ts";
import type { CommandIo } from "./io.ts";
import { OwnLog } from "./own-log.ts";
import { assertSink, findWork, workOfFile } from "./replay-work.ts";

export interface ReplayOptions {
  readonly config: string;
  readonly sink?: string | undefined;
}

const POOL_BYTES = 8 * 1_024 ** 2;

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

/** Two replays would send the same letters. */
async function lockReplay(config: Config): Promise<StateLock> {
  try {
    return await StateLock.acquire(join(config.stateDir, "replay"), systemClock);
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.includes("in use")) throw error;
    throw new UserError("another tailcar replay of this state directory is under way");
  }
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
  if (segments.length === 0) io.stderr.write(`${name}: no dead letters\n`);
  else
    io.stderr.write(`${name}: ${sum.delivered} delivered, ${sum.returned} refused again and kept${damaged}${rest}\n`);
  return sum;
}

function conclude(results: readonly ReplayResult[]): number {
  if (results.some(({ damaged }) => damaged > 0)) return EXIT.failed;
  return results.every(({ finished, returned }) => finished && returned === 0) ? EXIT.done : EXIT.undelivered;
}
