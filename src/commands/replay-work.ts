import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StateLock } from "../checkpoint/lock.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import { errorCode, EXIT, UserError } from "../core/errors.ts";
import { deadLettersOf } from "../create-sink.ts";
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
import type { CommandIo } from "./io.ts";

/** How long a running agent may take to close its segment. */
const CLOSE_TIMEOUT_MS = 5_000;
const CLOSE_POLL_MS = 100;

/** What is replayed to each sink: paths of closed segments, oldest first. */
export type Work = ReadonlyMap<string, readonly string[]>;

export function assertSink(name: string, config: Config): void {
  if (config.sinks[name] !== undefined) return;
  throw new UserError(`no sink ${name}; known are ${Object.keys(config.sinks).join(", ")}`, EXIT.usage);
}

/** The closed segments of the sinks, after what is open was closed as far as it can be. */
export async function findWork(names: readonly string[], config: Config, io: CommandIo): Promise<Work> {
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
export async function workOfFile(path: string, wanted: string | undefined, config: Config): Promise<Work> {
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
