import type { Counters, LossCheckpoint, PartialLine } from "../core/checkpoint.ts";

export const noCounters = (): Counters => ({
  deliveredBytes: 0,
  deliveredRecords: 0,
  filteredBytes: 0,
  deadLetteredBytes: 0,
  deadLetteredRecords: 0,
  lostBytes: 0,
  skippedBytes: 0,
  spilledBytes: 0,
  spilledRecords: 0,
  abandonedBytes: 0,
  lateRecords: 0,
  resentRecords: 0,
});

export function addCounters(to: Counters, from: Readonly<Counters>): void {
  to.deliveredBytes += from.deliveredBytes;
  to.deliveredRecords += from.deliveredRecords;
  to.filteredBytes += from.filteredBytes;
  to.deadLetteredBytes += from.deadLetteredBytes;
  to.deadLetteredRecords += from.deadLetteredRecords;
  to.lostBytes += from.lostBytes;
  to.skippedBytes += from.skippedBytes;
  to.spilledBytes += from.spilledBytes;
  to.spilledRecords += from.spilledRecords;
  to.abandonedBytes += from.abandonedBytes;
  to.lateRecords += from.lateRecords;
  to.resentRecords += from.resentRecords;
}

/** Adds an unfinished last line that was sent at a shutdown, or filtered, although the cursor stands before it. */
export function addPartial(to: Counters, partial: PartialLine | undefined): void {
  if (partial?.filtered === true) to.filteredBytes += partial.length;
  else to.deliveredBytes += partial?.length ?? 0;
}

/** Counts an unfinished line that was settled at the last stop, now that the cursor moves over it. */
export function settlePartial(counters: Counters, partial: PartialLine | undefined): void {
  addPartial(counters, partial);
  if (partial !== undefined && partial.filtered !== true) counters.deliveredRecords = 1;
}

/** Bytes whose fate is decided: together with the pending ones they are all bytes since the first cursor. */
export const settledBytes = (counters: Readonly<Counters>): number =>
  counters.deliveredBytes +
  counters.filteredBytes +
  counters.deadLetteredBytes +
  counters.lostBytes +
  counters.skippedBytes +
  counters.spilledBytes +
  counters.abandonedBytes;

export const bytesOf = ({ from, to, bytes }: LossCheckpoint): number => bytes ?? to - from;

/** The counters of a range that went to another sink instead. */
export const asSpilled = (counters: Readonly<Counters>): Counters => ({
  ...counters,
  deliveredBytes: 0,
  deliveredRecords: 0,
  spilledBytes: counters.spilledBytes + counters.deliveredBytes,
  spilledRecords: counters.spilledRecords + counters.deliveredRecords,
});
