import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { residentBytes } from "../bench/usage.ts";

export interface Sample {
  readonly atMs: number;
  readonly rssBytes: number;
  /** Open descriptors but sockets, which come and go with the requests. */
  readonly handles: number;
  readonly sockets: number;
}

export function sampleOf(pid: number, atMs: number): Sample {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(join(`/proc/${pid}/fd`, fd)));
  const sockets = links.filter((link) => link.startsWith("socket:")).length;
  const handles = links.filter((link) => link !== "" && !link.startsWith("socket:")).length;
  return { atMs, rssBytes: residentBytes(pid, "VmRSS"), handles, sockets };
}

/** The sample with the fewest handles of some: a checkpoint or a look at a file may hold one more for a moment. */
export async function quietSample(pid: number, elapsedMs: () => number): Promise<Sample> {
  let quietest = sampleOf(pid, elapsedMs());
  for (let taken = 0; taken < 20; taken += 1) {
    await pause(50);
    const sample = sampleOf(pid, elapsedMs());
    if (sample.handles < quietest.handles) quietest = sample;
  }
  return quietest;
}

/** Empty for one that was closed since it was listed. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Mean memory of one of the four quarters of a run, bytes. */
export function meanOfQuarter(samples: readonly Sample[], quarter: 1 | 2 | 3 | 4): number {
  const from = Math.floor(((quarter - 1) * samples.length) / 4);
  const part = samples.slice(from, Math.floor((quarter * samples.length) / 4));
  return part.reduce((sum, { rssBytes }) => sum + rssBytes, 0) / Math.max(part.length, 1);
}
