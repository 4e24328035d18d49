import * as fc from "fast-check";
import { type Sequence, sequences } from "./command.ts";
import type { Finding } from "./play.ts";

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
export async function findFault(play: (sequence: Sequence) => Promise<Finding>, search: Search): Promise<"none"> {
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
    `sequence ${details.numRuns} of seed ${seed} shows a fault; the shrunk one:\n${reason}\n` +
      `To play it again:\nMODEL_SEQUENCE='${JSON.stringify(sequence)}' npx vitest run --project model -t "named in"`,
  );
}

export function told({ violations, story }: Finding): string {
  return `${story.join("\n")}\n=> ${violations.join("\n=> ")}`;
}
