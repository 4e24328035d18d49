/** Consecutive records of a list: `to` is the index after the last one. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** What some runs have in common with one run, counted from its beginning. */
export function cutOut(runs: readonly Run[], { from, to }: Run): readonly Run[] {
  return runs
    .map((run) => ({ from: Math.max(run.from, from) - from, to: Math.min(run.to, to) - from }))
    .filter((run) => run.from < run.to);
}

/** Runs of the list that `chosen` leaves of another, as runs of that other list. */
export function throughChosen(runs: readonly Run[], chosen: readonly Run[]): readonly Run[] {
  let before = 0;
  return chosen.flatMap((one) => {
    const found = cutOut(runs, { from: before, to: before + one.to - one.from });
    before += one.to - one.from;
    return found.map(({ from, to }) => ({ from: one.from + from, to: one.from + to }));
  });
}
