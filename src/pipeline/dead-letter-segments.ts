import { createReadStream } from "node:fs";
import { open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream";
import split2 from "split2";
import { errorCode } from "../core/errors.ts";

/**
 * The files of one sink's dead letters. A segment is `00000001.ndjson.open` while its writer appends to it, then
 * `00000001.ndjson`, which nobody ever appends to again. Beside a closed one may lie `.cursor` (how many of its lines
 * were replayed), and lines that are no letters end in `.damaged`. An evicted one is called `.evicted` until it is accounted for.
 */
export const CLOSED = ".ndjson";
/** `open` belongs to the agent, `returned` to a replay: each closes only what its own kind left behind. */
export type Owner = "open" | "returned";

/** A file of this name asks the agent to close its segment. */
export const CLOSE_REQUEST = "close";

export const openSuffix = (owner: Owner): string => `${CLOSED}.${owner}`;

const numberOf = (name: string): number => Number.parseInt(name, 10) || 0;

export async function listNames(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** The closed segments, oldest first. */
export const closedSegments = async (directory: string): Promise<readonly string[]> =>
  (await listNames(directory)).filter((name) => name.endsWith(CLOSED));

export const hasOpenSegment = async (directory: string, owner: Owner): Promise<boolean> =>
  (await listNames(directory)).some((name) => name.endsWith(openSuffix(owner)));

/** A number that no file of the directory has. */
export const nextNumber = async (directory: string): Promise<number> =>
  Math.max(0, ...(await listNames(directory)).map(numberOf)) + 1;

/** Bytes of the letters that are kept, open segments included. */
export async function measureSegments(directory: string): Promise<number> {
  const names = (await listNames(directory)).filter((name) => name.includes(CLOSED) && !name.endsWith(".cursor"));
  const sizes = await Promise.all(names.map((name) => sizeOf(join(directory, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** 0 for a file that was deleted since it was listed. */
const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** Closes a segment: from now on it may be replayed and evicted. An empty one is removed. */
export async function closeSegment(directory: string, number: string, owner: Owner): Promise<void> {
  const path = join(directory, number + openSuffix(owner));
  if ((await stat(path)).size === 0) await rm(path);
  else await rename(path, join(directory, number + CLOSED));
}

/** Closes what a writer of this kind left behind when it died. Only for its successor, which alone can know that it is dead. */
export async function closeLeftovers(directory: string, owner: Owner): Promise<void> {
  const suffix = openSuffix(owner);
  for (const name of await listNames(directory)) {
    if (name.endsWith(suffix)) await closeSegment(directory, name.slice(0, -suffix.length), owner);
  }
}

/** How many lines of a closed segment were replayed. */
export async function readCursor(segment: string): Promise<number> {
  const text = await readFile(`${segment}.cursor`, "utf8").catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  });
  // Written as a whole or not at all; something else in its place costs duplicates.
  return /^\d+\n$/.test(text) ? Number(text) : 0;
}

/** Makes the cursor durable. */
export async function writeCursor(segment: string, lines: number): Promise<void> {
  const path = `${segment}.cursor`;
  await writeFile(`${path}.new`, `${lines}\n`, { mode: 0o600, flush: true });
  await rename(`${path}.new`, path);
}

/** Removes a segment that is done with, and then its cursor: without its cursor it would be sent once more. */
export async function removeSegment(segment: string): Promise<void> {
  await rm(segment, { force: true });
  await rm(`${segment}.cursor`, { force: true });
}

/** Cursors whose segment is gone, left by a kill between the two removals. */
export async function removeOrphanCursors(directory: string): Promise<void> {
  const names = new Set(await listNames(directory));
  for (const name of names) {
    const segment = name.replace(/\.cursor(\.new)?$/, "");
    if (segment !== name && !names.has(segment)) await rm(join(directory, name), { force: true });
  }
}

/** A longer line is no letter. In UTF-16 units. */
const MAX_LINE_LENGTH = 64 * 1_024 ** 2;

/** The lines of a segment. A last one without a line feed is `torn`: a crash cut it, or an editor took the line feed away. */
export async function* linesOf(path: string): AsyncGenerator<{ readonly text: string; readonly torn: boolean }> {
  const file = createReadStream(path);
  const lines: AsyncIterable<string> = pipeline(file, split2("\n", { maxLength: MAX_LINE_LENGTH }), () => {
    // A failure of either stream comes out of the loop below.
  });
  let waiting: string | undefined;
  for await (const line of lines) {
    if (waiting !== undefined) yield { text: waiting, torn: false };
    waiting = line;
  }
  if (waiting !== undefined) yield { text: waiting, torn: !(await endsWithLineFeed(path)) };
}

async function endsWithLineFeed(path: string): Promise<boolean> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    return buffer[0] === 0x0a;
  } finally {
    await handle.close();
  }
}
