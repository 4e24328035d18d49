/*
 * A long file: the positions and the counters of a file change together, or the account would not add up.
 */
import type { Counters, CursorCheckpoint, PartialLine, Position } from "../core/checkpoint.ts";
import type { LogRecord, SplitMark } from "../core/record.ts";
import type { FollowedFile } from "../core/reading.ts";
import type { Segment } from "../core/segment.ts";
import { AckTracker, type TrackedRange } from "./ack-tracker.ts";
import type { Run } from "./runs.ts";
import { addCounters, asSpilled, noCounters, settlePartial, settledBytes } from "./counters.ts";

/** A run of records of one file that one sink ships: where they stand, and what to do when their fate is decided. */
export interface Claim {
  readonly progress: FileProgress;
  /** Where they were read, and can be read again as long as the claim is not settled. */
  readonly from: Position;
  readonly to: Position;
  readonly range: TrackedRange;
  /** An unfinished last line, sent at shutdown: the cursor stays before it. */
  readonly partial?: PartialLine | undefined;
  /** Which piece of a longer one the last of its records is: that depends on what follows. */
  readonly lastSplit?: SplitMark | undefined;
  /** Which of its records, as the batch has them, are meant; without it all are. */
  readonly runs?: readonly Run[] | undefined;
}

/** A claim with its records. */
export interface Slice extends Claim {
  readonly records: readonly LogRecord[];
  /** Held for the sake of the records' texts: whoever has the slice releases it. Undefined if there are no records. */
  readonly segment?: Segment | undefined;
}

/** What the files of one sink have in common. */
export interface Passage {
  /** Bytes between all cursors and their reading positions: what a crash would send again. */
  unacknowledgedBytes: number;
  /** Whether what is delivered goes to another sink in place of this one. */
  readonly spills: boolean;
}

/** How far one sink is in one file: where it reads, what is under way, where its cursor stands, and the account. */
export class FileProgress {
  readonly file: FollowedFile;
  readonly first: number;
  readonly #passage: Passage;
  readonly #tracker = new AckTracker();
  readonly #counters: Counters;
  #cursor: Position;
  #position: Position;
  #partial: CursorCheckpoint["partial"];
  /** The segment under the reading position, and the index of its next record. */
  #segment: Segment | undefined;
  #index = 0;
  /** Nothing more to read until the file changes. */
  idle = false;
  /** A read at the position is under way. */
  isReading = false;

  constructor(
    file: FollowedFile,
    from: Pick<CursorCheckpoint, "first" | "position" | "counters" | "partial">,
    passage: Passage = { unacknowledgedBytes: 0, spills: false },
  ) {
    this.file = file;
    this.#passage = passage;
    this.first = from.first;
    this.#cursor = from.position;
    this.#position = from.position;
    // A journal of an older version lacks the younger counters.
    this.#counters = { ...noCounters(), ...from.counters };
    this.#partial = from.partial;
  }

  /** At a first cursor. What stands before it is skipped. */
  static beginning(file: FollowedFile, position: Position, passage?: Passage): FileProgress {
    const counters = { ...noCounters(), skippedBytes: position.offset };
    return new FileProgress(file, { first: 0, position, counters }, passage);
  }

  get cursor(): Position {
    return this.#cursor;
  }

  get position(): Position {
    return this.#position;
  }

  get counters(): Readonly<Counters> {
    return this.#counters;
  }

  get partial(): CursorCheckpoint["partial"] {
    return this.#partial;
  }

  /** Whether it stands in a segment whose records are not all taken. */
  get isInSegment(): boolean {
    return this.#segment !== undefined;
  }

  /** Whether the segment it stands in ends before an offset. */
  endsBefore(offset: number): boolean {
    return this.#segment !== undefined && this.#segment.end < offset;
  }

  /** Bytes between the cursor and the reading position: what a crash would send again. */
  get unacknowledgedBytes(): number {
    return this.#position.offset - this.#cursor.offset;
  }

  /** Bytes up to the highest size seen whose fate is open. */
  get pendingBytes(): number {
    return this.file.size - this.#cursor.offset - (this.#partial?.length ?? 0);
  }

  get isComplete(): boolean {
    return this.#tracker.isEmpty && this.#cursor.offset >= this.file.size;
  }

  /** Bytes by which the account does not add up: 0, or there is a bug. */
  get imbalance(): number {
    return this.#cursor.offset - this.first - settledBytes(this.#counters);
  }

  /** Takes over the hold on a segment that begins at the position. */
  enter(segment: Segment): void {
    this.#segment = segment;
    this.#index = 0;
  }

  /** Takes the next records of the segment, at most so many and at most so many bytes, but at least one. */
  take(maxRecords: number, maxBytes: number): Slice | undefined {
    const segment = this.#segment;
    if (segment === undefined) return undefined;
    const { records } = segment;
    const from = this.#index;
    let bytes = 0;
    let to = from;
    while (
      to < records.length &&
      to - from < maxRecords &&
      (to === from || bytes + (records[to]?.length ?? 0) <= maxBytes)
    ) {
      bytes += records[to]?.length ?? 0;
      to += 1;
    }
    for (const whole = segment.wholeGroup(to); to < whole; to += 1) bytes += records[to]?.length ?? 0;
    // No position stands between a record that was made up and the one at the same place: read again, both would come.
    while (to - from > 1 && to < records.length && records[to]?.offset === records[to - 1]?.offset) {
      to -= 1;
      bytes -= records[to]?.length ?? 0;
    }
    const end = segment.advance(this.#position, segment.startOf(to));
    const counters = noCounters();
    counters.deliveredBytes = bytes;
    counters.deliveredRecords = to - from;
    counters.filteredBytes = end.offset - this.#position.offset - bytes;
    if (to > from) this.#completePartial(counters);
    const slice: Slice = {
      progress: this,
      from: this.#position,
      to: end,
      lastSplit: records[to - 1]?.split,
      records: records.slice(from, to),
      range: { end, counters },
      segment: to > from ? segment.retain() : undefined,
    };
    this.#tracker.track(slice.range);
    this.#readTo(end);
    this.#index = to;
    if (to === records.length) this.leaveSegment();
    return slice;
  }

  /** Takes the bytes that stand without a line's end, to be sent although the cursor will stay before them. */
  takePartial(segment: Segment): Slice | undefined {
    const length = segment.end - segment.start;
    const crc = segment.crcTo(segment.end);
    if (this.#partial?.length === length && this.#partial.crc === crc) return undefined;
    const counters = noCounters();
    return {
      progress: this,
      from: this.#position,
      to: segment.advance(this.#position, segment.end),
      records: segment.records,
      range: { end: this.#position, counters },
      segment: segment.records.length > 0 ? segment.retain() : undefined,
      partial: segment.records.length > 0 ? { length, crc } : { length, crc, filtered: true },
    };
  }

  /**
   * If the segment begins with exactly what was sent, unfinished, before the last stop, it is passed over. Returns its range.
   */
  passSent(): TrackedRange | undefined {
    const segment = this.#segment;
    const partial = this.#partial;
    if (segment === undefined || partial === undefined || this.unacknowledgedBytes > 0) return undefined;
    const end = this.#position.offset + partial.length;
    if (end > segment.end || !segment.hasBorder(end) || segment.crcTo(end) !== partial.crc) return undefined;
    const counters = noCounters();
    settlePartial(counters, partial);
    const range = { end: segment.advance(this.#position, end), counters };
    this.pass(range);
    const next = segment.records.findIndex(({ offset }) => offset >= end);
    this.#index = next === -1 ? segment.records.length : next;
    if (end === segment.end) this.leaveSegment();
    return range;
  }

  /** Tracks a range that needs no delivery: it is lost, or was delivered as a partial line. The reading position moves over it. */
  pass(range: TrackedRange): void {
    this.#tracker.track(range);
    this.#readTo(range.end);
  }

  /** The slice has its terminal outcome. Returns the ranges that the cursor moved over. */
  finish({ range, partial }: Pick<Slice, "range" | "partial">): readonly TrackedRange[] {
    if (partial !== undefined) {
      // Refused, it is among the dead letters; completed, it is another line.
      if (range.counters.deadLetteredBytes === 0) this.#partial = partial;
      return [];
    }
    const passed = this.#tracker.finish(range);
    for (const { end, counters } of passed) {
      this.#passage.unacknowledgedBytes -= end.offset - this.#cursor.offset;
      this.#cursor = end;
      addCounters(this.#counters, this.#passage.spills ? asSpilled(counters) : counters);
      this.#partial = undefined;
    }
    return passed;
  }

  checkpoint(sink: string): CursorCheckpoint {
    const { file, first } = this;
    return {
      sink,
      file: file.id,
      first,
      position: this.#cursor,
      counters: { ...this.#counters },
      partial: this.#partial,
    };
  }

  #readTo(end: Position): void {
    this.#passage.unacknowledgedBytes += end.offset - this.#position.offset;
    this.#position = end;
  }

  /** Lets the segment go, whatever is left in it. */
  leaveSegment(): void {
    this.#segment?.release();
    this.#segment = undefined;
  }

  #completePartial(counters: Counters): void {
    if (this.#partial !== undefined && this.#partial.filtered !== true && this.#position.offset === this.#cursor.offset)
      counters.resentRecords = 1;
  }
}
