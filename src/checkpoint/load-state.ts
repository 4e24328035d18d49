import { join } from "node:path";
import type { CheckpointChange } from "../core/checkpoint.ts";
import { type LoadedJournal, loadJournal } from "./journal-file.ts";
import { CheckpointState } from "./state.ts";

export const JOURNAL = "checkpoints.journal";

export interface LoadedState {
  readonly state: CheckpointState;
  /** The journal; undefined if there is none. */
  readonly current: LoadedJournal | undefined;
  /** Numbers of the journal's lines that can't be read, from 1. */
  readonly damagedLines: readonly number[];
}

/** Reads the durable state of a directory. Changes nothing, and may be done beside the agent that writes there. */
export async function loadState(directory: string): Promise<LoadedState> {
  const path = join(directory, JOURNAL);
  const current = await loadJournal(path);
  const state = new CheckpointState();
  const damagedLines = [...(current?.damagedLines ?? [])];
  // Lines after the snapshot are absolute changes of it: a damaged one costs their progress and nothing else. Without
  // the whole snapshot the previous copy is what there is to change.
  if (current?.isSnapshotWhole !== true) {
    const previous = await loadJournal(`${path}.previous`);
    for (const change of previous?.changes ?? []) state.apply(change);
    if (current === undefined && previous !== undefined) damagedLines.push(1);
  }
  for (const change of current?.changes ?? []) if (isSafe(change, current)) state.apply(change);
  state.dropOrphans();
  return { state, current, damagedLines };
}

/**
 * Beside the previous copy, which still has the files that were forgotten since, the newer totals would count those twice:
 * then both are left out, and the files are found absent and forgotten again.
 */
const isSafe = (change: CheckpointChange, loaded: LoadedJournal | undefined): boolean =>
  loaded?.isSnapshotWhole === true ||
  (change.kind !== "totals" && change.kind !== "forget" && change.kind !== "abandon");
