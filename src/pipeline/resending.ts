import type { Clock } from "../core/clock.ts";
import type { Position } from "../core/checkpoint.ts";
import type { FollowedFile, RecordReader } from "../core/reading.ts";
import type { LogRecord } from "../core/record.ts";
import type { Claim, Slice } from "./progress.ts";

/** What can't be read again at the moment is tried again after so long. */
const RETRY_MS = 1_000;

export interface ResendingOptions {
  /** The sink's name. */
  readonly name: string;
  readonly reader: RecordReader;
  readonly clock: Clock;
  readonly suspect: (file: FollowedFile, position: Position) => void;
  /** Its bytes are out of reach before the receiver confirmed them. Its range says so. */
  readonly lost: (claim: Claim) => void;
}

/**
 * What a receiver has taken and then did not confirm. Only the ranges are kept; the records are read again from their
 * files, whose handles are held as long as a cursor stands before their end.
 */
export class Resending {
  readonly #options: ResendingOptions;
  readonly #claims: Claim[] = [];
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
    const [claim] = this.#claims;
    if (claim === undefined || this.#options.clock.elapsed() < this.#notBeforeMs) return 0;
    return claim.to.offset - claim.from.offset;
  }

  add(claim: Claim): void {
    this.#claims.push(claim);
  }

  /** The next records to send again; undefined if there are none, or they can't be read now. */
  async next(): Promise<Slice | undefined> {
    const { clock, reader, suspect } = this.#options;
    while (clock.elapsed() >= this.#notBeforeMs) {
      const claim = this.#claims.shift();
      if (claim === undefined) return undefined;
      const { file } = claim.progress;
      const result = await reader.readAgain(file, claim.from, claim.to);
      if (result.kind === "segment") {
        const { segment } = result;
        return { ...claim, segment, records: withLastSplit(segment.records, claim.lastSplit) };
      }
      if (isOutOfReach(file)) {
        this.#giveUp(claim);
        continue;
      }
      this.#claims.push(claim);
      if (result.kind === "changed") suspect(file, claim.from);
      this.#notBeforeMs = clock.elapsed() + RETRY_MS;
    }
    return undefined;
  }

  /** The whole of it counts as lost, though a part may have been confirmed. */
  #giveUp(claim: Claim): void {
    const { clock, lost, name } = this.#options;
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
      reason: `not confirmed by its receiver, and ${progress.file.lossReason ?? "truncated, replaced or deleted"} before it could be sent again`,
      at: clock.now(),
    };
    lost(claim);
  }
}

const isOutOfReach = ({ canGrow, missingFrom, state }: FollowedFile): boolean =>
  state === "gone" || (missingFrom !== undefined && !canGrow);

function withLastSplit(records: readonly LogRecord[], split: LogRecord["split"]): readonly LogRecord[] {
  const last = records.at(-1);
  return last === undefined || last.split === split ? records : [...records.slice(0, -1), last.withSplit(split)];
}
