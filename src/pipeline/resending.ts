import type { Clock } from "../core/clock.ts";
import type { Position } from "../core/checkpoint.ts";
import type { FollowedFile, RecordReader } from "../core/reading.ts";
import type { LogRecord } from "../core/record.ts";
import type { Claim, Slice } from "./progress.ts";

/** What can't be read again at the moment is tried again after so long. */
const RETRY_MS = 1_000;

/** If other bytes stand in a file for so long, and nothing is known of where its own went, they were overwritten. */
const OVERWRITTEN_MS = 60_000;

export interface ResendingOptions {
  /** The sink's name. */
  readonly name: string;
  readonly reader: RecordReader;
  readonly clock: Clock;
  readonly suspect: (file: FollowedFile, position: Position) => void;
  /** There is nothing to send again. The claim's range says what became of its bytes. */
  readonly settled: (claim: Claim) => void;
}

interface Waiting {
  readonly claim: Claim;
  /** Monotonic time since when other bytes stand there, milliseconds. */
  readonly changedMs?: number | undefined;
}

/**
 * What a receiver has taken and then did not confirm. Only the ranges are kept; the records are read again from their
 * files, whose handles are held as long as a cursor stands before their end.
 */
export class Resending {
  readonly #options: ResendingOptions;
  readonly #claims: Waiting[] = [];
  /** Monotonic time before which nothing is read, milliseconds. */
  #notBeforeMs = 0;

  constructor(options: ResendingOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#claims.length === 0;
  }

  /** Bytes of the file that `next` would read now. */
  get nextBytes(): number {
    const [waiting] = this.#claims;
    if (waiting === undefined || this.#options.clock.elapsed() < this.#notBeforeMs) return 0;
    return waiting.claim.to.offset - waiting.claim.from.offset;
  }

  add(claim: Claim): void {
    this.#claims.push({ claim });
  }

  /** The next records to send again; undefined if there are none, or they can't be read now. */
  async next(): Promise<Slice | undefined> {
    const { clock, reader } = this.#options;
    while (clock.elapsed() >= this.#notBeforeMs) {
      const waiting = this.#claims.shift();
      if (waiting === undefined) return undefined;
      const { claim } = waiting;
      const result = await reader.readAgain(claim.progress.file, claim.from, claim.to);
      if (result.kind !== "segment") {
        this.#postpone(waiting, result.kind === "changed");
        continue;
      }
      const { segment } = result;
      const records = withLastSplit(segment.records, claim.lastSplit);
      if (records.length > 0) return { ...claim, segment, records };
      segment.release();
      this.#filtered(claim);
    }
    return undefined;
  }

  #postpone({ claim, changedMs }: Waiting, isChanged: boolean): void {
    const { clock, suspect } = this.#options;
    const { file } = claim.progress;
    const now = clock.elapsed();
    const sinceMs = isChanged ? (changedMs ?? now) : undefined;
    if (isOutOfReach(file)) return this.#giveUp(claim, file.lossReason ?? "truncated, replaced or deleted");
    if (sinceMs !== undefined && now - sinceMs >= OVERWRITTEN_MS) return this.#giveUp(claim, "overwritten");
    this.#claims.push({ claim, changedMs: sinceMs });
    if (isChanged) suspect(file, claim.from);
    this.#notBeforeMs = now + RETRY_MS;
  }

  /** What `auto` has decided since makes the transforms drop all of it. */
  #filtered(claim: Claim): void {
    const { counters } = claim.range;
    counters.filteredBytes += counters.deliveredBytes;
    counters.deliveredBytes = 0;
    counters.deliveredRecords = 0;
    this.#options.settled(claim);
  }

  /** The whole of it counts as lost, though a part may have been confirmed. */
  #giveUp(claim: Claim, what: string): void {
    const { clock, name, settled } = this.#options;
    const { from, partial, progress, range, to } = claim;
    // The cursor stands before an unfinished line: whatever is to be said of it is said of the line.
    if (partial !== undefined) return;
    const { counters } = range;
    const bytes = counters.deliveredBytes;
    counters.deliveredBytes = 0;
    counters.deliveredRecords = 0;
    counters.lostBytes += bytes;
    range.loss = {
      sink: name,
      file: progress.file.id,
      path: progress.file.path,
      from: from.offset,
      to: to.offset,
      bytes,
      reason: `not confirmed by its receiver, and ${what} before it could be sent again`,
      at: clock.now(),
    };
    settled(claim);
  }
}

const isOutOfReach = ({ canGrow, missingFrom, state }: FollowedFile): boolean =>
  state === "gone" || (missingFrom !== undefined && !canGrow);

function withLastSplit(records: readonly LogRecord[], split: LogRecord["split"]): readonly LogRecord[] {
  const last = records.at(-1);
  return last === undefined || last.split === split ? records : [...records.slice(0, -1), last.withSplit(split)];
}
