import { rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { LossCheckpoint } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { decodeLetter } from "./dead-letter.ts";
import { CLOSED, closedSegments, linesOf, listNames, readCursor, removeSegment } from "./dead-letter-segments.ts";

/** What a segment is called until the losses that come with its eviction are durable. */
const EVICTED = ".evicted";

export interface EvictionOptions {
  readonly directory: string;
  readonly sink: string;
  readonly clock: Clock;
  /** Makes the losses of an evicted segment durable. Called again for the same losses if the agent dies on the way. */
  readonly evicted?: (losses: readonly LossCheckpoint[]) => Promise<void>;
}

/** Evicts the oldest closed segment. False if there is none. */
export async function evictOldest(options: EvictionOptions): Promise<boolean> {
  const [oldest] = await closedSegments(options.directory);
  if (oldest === undefined) return false;
  const path = join(options.directory, oldest);
  // The new name tells a crash from a segment that is still kept: what it holds is lost from here on.
  await rename(path, path + EVICTED);
  await account(path + EVICTED, options);
  return true;
}

/** Brings evictions to their end that a crash interrupted. */
export async function finishEvictions(options: EvictionOptions): Promise<void> {
  for (const name of await listNames(options.directory))
    if (name.endsWith(EVICTED)) await account(join(options.directory, name), options);
}

async function account(path: string, options: EvictionOptions): Promise<void> {
  const segment = path.slice(0, -EVICTED.length);
  await options.evicted?.(await lossesIn(path, await readCursor(segment), options));
  await rm(path, { force: true });
  await removeSegment(segment);
}

/** What goes with a segment, summed up by file; letters before the cursor have been replayed. */
async function lossesIn(
  segment: string,
  cursor: number,
  { sink, clock }: EvictionOptions,
): Promise<readonly LossCheckpoint[]> {
  const losses = new Map<number, LossCheckpoint>();
  let number = 0;
  for await (const { text } of linesOf(segment)) {
    number += 1;
    const letter = number > cursor ? decodeLetter(text) : undefined;
    if (letter === undefined || letter.length === 0) continue;
    const { generation, file, offset, length } = letter;
    const known = losses.get(generation);
    losses.set(generation, {
      sink,
      file: generation,
      path: file,
      from: Math.min(known?.from ?? offset, offset),
      to: Math.max(known?.to ?? 0, offset + length),
      bytes: (known?.bytes ?? 0) + length,
      reason: `dead letters evicted: ${basename(segment).replace(CLOSED + EVICTED, "")}`,
      at: clock.now(),
    });
  }
  return [...losses.values()];
}
