import type { CheckpointStore, Counters } from "../core/checkpoint.ts";
import { addCounters, noCounters, settledBytes } from "./counters.ts";
import type { FileProgress } from "./progress.ts";

/** The account of one sink over all its files. Bytes from each file's first cursor to its highest size seen. */
export interface Account extends Readonly<Counters> {
  readonly files: number;
  readonly totalBytes: number;
  readonly pendingBytes: number;
  /** Bytes that are in none of the parts, or in two: 0, or there is a bug. */
  readonly imbalanceBytes: number;
}

/** Sums up what became of the bytes; `forgotten` are the counters of files that are out of use. */
export function accountOf(progresses: Iterable<FileProgress>, forgotten: Readonly<Counters> | undefined): Account {
  const sum = noCounters();
  if (forgotten !== undefined) addCounters(sum, { ...noCounters(), ...forgotten });
  let totalBytes = settledBytes(sum);
  let pendingBytes = 0;
  let files = 0;
  for (const progress of progresses) {
    addCounters(sum, progress.counters);
    // An unfinished last line that was sent is delivered, although the cursor stands before it.
    sum.deliveredBytes += progress.partial?.length ?? 0;
    totalBytes += progress.file.size - progress.first;
    pendingBytes += progress.pendingBytes;
    files += 1;
  }
  return { ...sum, files, totalBytes, pendingBytes, imbalanceBytes: totalBytes - pendingBytes - settledBytes(sum) };
}

/** Gives up what a sink that is no longer configured had not got. Returns how many bytes that is. */
export function abandon(sink: string, store: CheckpointStore): number {
  const counters = { ...noCounters(), ...store.totals.get(sink) };
  let pendingBytes = 0;
  for (const cursor of store.cursors.get(sink)?.values() ?? []) {
    addCounters(counters, { ...noCounters(), ...cursor.counters });
    const sent = cursor.partial?.length ?? 0;
    counters.deliveredBytes += sent;
    const { offset } = cursor.position;
    pendingBytes += Math.max(0, (store.files.get(cursor.file)?.size ?? offset) - offset - sent);
  }
  counters.abandonedBytes += pendingBytes;
  store.record({ kind: "totals", sink, counters });
  store.record({ kind: "abandon", sink });
  return pendingBytes;
}
