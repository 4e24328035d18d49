import type { CheckpointStore, Counters, CursorCheckpoint } from "../core/checkpoint.ts";
import { addCounters, addPartial, noCounters, settledBytes } from "./counters.ts";
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
    addPartial(sum, progress.partial);
    totalBytes += progress.file.size - progress.first;
    pendingBytes += progress.pendingBytes;
    files += 1;
  }
  return { ...sum, files, totalBytes, pendingBytes, imbalanceBytes: totalBytes - pendingBytes - settledBytes(sum) };
}

/** The durable part of an account, as a state directory has it. */
export interface DurableAccount extends Account {
  /** Files in which the counters do not add up to the cursor. */
  readonly unbalanced: readonly { readonly path: string; readonly bytes: number }[];
}

type DurableState = Pick<CheckpointStore, "files" | "cursors" | "totals">;

/** Sums up what the state says of one sink. */
export function durableAccount(sink: string, { files, cursors, totals }: DurableState): DurableAccount {
  const sum = noCounters();
  addCounters(sum, { ...noCounters(), ...totals.get(sink) });
  let totalBytes = settledBytes(sum);
  let pendingBytes = 0;
  const unbalanced: { path: string; bytes: number }[] = [];
  const ofSink = cursors.get(sink) ?? new Map<number, CursorCheckpoint>();
  for (const { file, first, position, partial, counters } of ofSink.values()) {
    const known = { ...noCounters(), ...counters };
    const sent = partial?.length ?? 0;
    const size = Math.max(files.get(file)?.size ?? 0, position.offset + sent);
    addCounters(sum, known);
    addPartial(sum, partial);
    totalBytes += size - first;
    pendingBytes += size - position.offset - sent;
    const bytes = position.offset - first - settledBytes(known);
    if (bytes !== 0) unbalanced.push({ path: files.get(file)?.path ?? String(file), bytes });
  }
  const imbalanceBytes = totalBytes - pendingBytes - settledBytes(sum);
  return { ...sum, files: ofSink.size, totalBytes, pendingBytes, imbalanceBytes, unbalanced };
}

/** Gives up what a sink that is no longer configured had not got. Returns how many bytes that is. */
export function abandon(sink: string, store: CheckpointStore): number {
  const { pendingBytes, ...account } = durableAccount(sink, store);
  const counters = noCounters();
  addCounters(counters, account);
  counters.abandonedBytes += pendingBytes;
  store.record({ kind: "totals", sink, counters });
  store.record({ kind: "abandon", sink });
  return pendingBytes;
}
