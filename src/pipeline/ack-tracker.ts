import type { Counters, LossCheckpoint, Position } from "../core/checkpoint.ts";

/** A run of a file's bytes whose fate is decided as a whole. `counters` say what becomes of its bytes when it is finished. */
export interface TrackedRange {
  readonly end: Position;
  readonly counters: Counters;
  /** Set if the range will never be delivered because its bytes are out of reach. */
  loss?: LossCheckpoint | undefined;
}

/**
 * Completions come in any order; a cursor moves only over a contiguous run of finished ranges. Ranges are tracked in
 * the order of the file.
 */
export class AckTracker {
  readonly #ranges: { readonly range: TrackedRange; finished: boolean }[] = [];

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  track(range: TrackedRange): void {
    this.#ranges.push({ range, finished: false });
  }

  /** Marks a tracked range as finished. Returns the ranges that the cursor now moves over, in order; often none or several. */
  finish(range: TrackedRange): readonly TrackedRange[] {
    const entry = this.#ranges.find((candidate) => candidate.range === range);
    if (entry === undefined) throw new Error("a range was finished that is not tracked");
    entry.finished = true;
    const gap = this.#ranges.findIndex(({ finished }) => !finished);
    return this.#ranges.splice(0, gap === -1 ? this.#ranges.length : gap).map((done) => done.range);
  }
}
