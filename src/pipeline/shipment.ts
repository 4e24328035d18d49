import type { Counters } from "../core/checkpoint.ts";
import type { Outcome } from "../core/outcome.ts";
import type { LogRecord } from "../core/record.ts";
import type { Verdict } from "./dead-letter.ts";
import type { Run } from "./runs.ts";

/** What is delivered as a whole: a batch, or a part of the dead letters. */
export interface Deliverable {
  readonly records: readonly LogRecord[];
  /** Bytes of the log files in it. */
  readonly bytes: number;
  /** Where a record came from: its file's number, and the counters that its bytes are in as delivered. */
  sourceOf(index: number): { readonly generation: number; readonly counters: Counters };
}

/** What follows an attempt that is not made again. */
export type Terminal =
  | Exclude<Outcome, { kind: "retry" | "blocked" }>
  /** It failed again and again while others succeeded: something in it may be to blame. */
  | { readonly kind: "suspect" }
  /** The deadline comes again and again before all of it is sent. */
  | { readonly kind: "cutShort" }
  /** The user does not want it to be tried any longer. */
  | { readonly kind: "gaveUp"; readonly reason: string };

/** Records that their receiver has taken and not confirmed. Becomes true when it does, false when it won't. */
export interface Unconfirmed extends Run {
  readonly settled: Promise<boolean>;
}

/** A batch on its way, and the records of it that can't be delivered. */
export interface Shipment {
  readonly batch: Deliverable;
  readonly signal: AbortSignal;
  /** Monotonic time since when it fails, milliseconds; undefined while it does not, or is blocked. */
  failingSinceMs: number | undefined;
  /** Requests that were taken and are not confirmed yet. */
  readonly unconfirmed: Unconfirmed[];
  readonly condemned: { readonly index: number; readonly verdict: Verdict }[];
  /** Whether its place was given to another batch. */
  stoodAside: boolean;
}

export function recordAt({ records }: Deliverable, index: number): LogRecord {
  const record = records[index];
  if (record === undefined) throw new Error(`the batch has no record ${index}`);
  return record;
}

/** They go to the dead letters when the others of the batch have got where they belong. */
export function condemn(
  { condemned }: Shipment,
  from: number,
  to: number,
  { reason, status, response }: Verdict,
): true {
  for (let index = from; index < to; index += 1) condemned.push({ index, verdict: { reason, status, response } });
  return true;
}
