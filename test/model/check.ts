import * as fc from "fast-check";
import { type Sequence, sequences } from "./command.ts";
import type { Finding, Play } from "./play.ts";

const named = process.env["MODEL_SEQUENCE"];

/** A sequence to play again, as a fault was told with. */
export const NAMED: Sequence | undefined = named === undefined ? undefined : JSON.parse(named);

export interface Search {
  readonly runs: number;
  /** Commands of a sequence, at most. */
  readonly maxLength: number;
  readonly seed: number;
  /** Shrinking ends then. */
  readonly timeLimitMs: number;
}

/**
 * Plays random sequences. Resolves to "none", or rejects with the first that shows a fault, shrunk, and told with all
 * that is needed to play it again.
 */
export async function findFault(play: Play, search: Search): Promise<"none"> {
  const { runs, maxLength, seed, timeLimitMs } = search;
  const property = fc.asyncProperty(sequences(maxLength), async (sequence) => {
    const finding = await play(sequence);
    if (finding.violations.length > 0) throw new Error(told(finding));
  });
  const details = await fc.check(property, { numRuns: runs, seed, interruptAfterTimeLimit: timeLimitMs });
  if (!details.failed && details.numRuns < runs) throw new Error(`only ${details.numRuns} sequences in the time`);
  if (!details.failed) return "none";
  const [sequence] = details.counterexample ?? [];
  const reason = details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
  throw new Error(
    `sequence ${details.numRuns} of seed ${seed} shows a fault; the shrunk one:\n${reason}\n` + again(sequence),
  );
}

const again = (sequence: Sequence | undefined): string =>
  `To play it again:\nMODEL_SEQUENCE='${JSON.stringify(sequence)}' npx vitest run --project model -t "named in"`;

export function told({ violations, story }: Finding): string {
  return `${story.join("\n")}\n=> ${violations.join("\n=> ")}`;
}

/** As `findFault`, several at once and without shrinking: for sequences that take real time. */
export async function findFaults(
  play: Play,
  search: Omit<Search, "timeLimitMs"> & { readonly atOnce: number },
): Promise<"none"> {
  const { runs, maxLength, seed, atOnce } = search;
  const waiting = fc.sample(sequences(maxLength), { numRuns: runs, seed }).entries();
  const faults: string[] = [];
  const worker = async (): Promise<void> => {
    // Each takes the next one from the same iterator.
    for (const [n, sequence] of waiting) {
      const finding = await play(sequence);
      if (finding.violations.length > 0)
        faults.push(`sequence ${n + 1} of seed ${seed}:\n${told(finding)}\n${again(sequence)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (faults.length > 0) throw new Error(faults.join("\n\n"));
  return "none";
}
