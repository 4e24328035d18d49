/*
 * A long file: what a sink reads next, and what it will never read, are decided in one place.
 */
import type { CursorCheckpoint, LossCheckpoint, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { FollowedFile, ReadResult, RecordReader } from "../core/reading.ts";
import type { TrackedRange } from "./ack-tracker.ts";
import { noCounters, settlePartial } from "./counters.ts";
import { FileProgress, type Passage, type Slice } from "./progress.ts";

/**
 * How far a sink may read ahead of its cursors, bytes, in one file and in all that it has begun: bounds what a crash sends
 * again. Beyond it a file is begun only when all that was read of it is acknowledged, so one that is stuck holds up no other.
 */
const WINDOW_BYTES = 64 * 1_024 ** 2;

/** Whoever waits for a record to be whole and can't read it then waits at least so long. */
const LEAST_WAIT_MS = 10;

export interface FeedOptions {
  readonly sink: string;
  readonly reader: RecordReader;
  readonly clock: Clock;
  /** Whether what is delivered goes to another sink in place of this one. */
  readonly spills?: boolean;
  /** The bytes before the position changed under the reader: the registry finds out what happened. */
  readonly suspect: (file: FollowedFile, position: Position) => void;
  /** The cursor moved over ranges, because the last of them needed no delivery. */
  readonly passed: (progress: FileProgress, ranges: readonly TrackedRange[]) => void;
}

/**
 * One sink's view of all files: hands out the next records, fair across streams, and the oldest generation of each
 * stream first.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #byFile = new Map<FollowedFile, FileProgress>();
  /** Generations of a stream, oldest first. */
  readonly #streams = new Map<string, FileProgress[]>();
  /** Streams that may have something to read. The first is asked next. */
  readonly #ready = new Set<string>();
  /** Files with a record at their end that may go on, and the monotonic time from which on it is taken to be whole. */
  readonly #waiting = new Map<FollowedFile, number>();

  readonly #passage: Passage;
  #hurries = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#passage = { unacknowledgedBytes: 0, spills: options.spills === true };
  }

  get progresses(): Iterable<FileProgress> {
    return this.#byFile.values();
  }

  /** Whether there may be something to read. */
  get isReady(): boolean {
    return this.#ready.size > 0;
  }

  get(file: FollowedFile): FileProgress | undefined {
    return this.#byFile.get(file);
  }

  /** Takes up a file. It is read once it is woken. */
  follow(file: FollowedFile, from: CursorCheckpoint | Position): FileProgress {
    const progress =
      "sink" in from ? new FileProgress(file, from, this.#passage) : FileProgress.beginning(file, from, this.#passage);
    progress.idle = true;
    this.#byFile.set(file, progress);
    const generations = [...(this.#streams.get(file.stream) ?? []), progress];
    generations.sort(byAge);
    this.#streams.set(file.stream, generations);
    return progress;
  }

  forget(file: FollowedFile): void {
    this.#passage.unacknowledgedBytes -= this.#byFile.get(file)?.unacknowledgedBytes ?? 0;
    this.#byFile.delete(file);
    this.#waiting.delete(file);
    const generations = (this.#streams.get(file.stream) ?? []).filter((progress) => progress.file !== file);
    if (generations.length > 0) this.#streams.set(file.stream, generations);
    else this.#streams.delete(file.stream);
  }

  /** The file changed: it may have something to read again. */
  wake(file: FollowedFile): void {
    const progress = this.#byFile.get(file);
    if (progress === undefined) return;
    progress.idle = false;
    this.#ready.add(file.stream);
  }

  /** The file's bytes are out of reach: what was not read of it is lost, and said to be so at once, however the sink does. */
  giveUp(file: FollowedFile): void {
    const progress = this.#byFile.get(file);
    if (progress === undefined || progress.isInSegment || progress.isReading) return;
    if (progress.position.offset < file.size) this.#passLost(progress);
  }

  /** Milliseconds until a record that waits for further lines is whole, if none come. */
  get untilWholeMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const wholeAtMs of this.#waiting.values()) earliest = Math.min(earliest, wholeAtMs);
    return Math.max(LEAST_WAIT_MS, earliest - this.#options.clock.elapsed());
  }

  /** From now on nothing waits for a record to be whole: all else is read, and then `partials` asked. */
  hurry(): void {
    this.#hurries = true;
  }

  #wakeWaiting(): void {
    const now = this.#options.clock.elapsed();
    for (const [file, wholeAtMs] of this.#waiting) {
      if (wholeAtMs > now) continue;
      this.#waiting.delete(file);
      this.wake(file);
    }
  }

  /**
   * The next records of the next stream that has any, or undefined if there are none now. A slice without records is
   * finished already: all there was has been filtered, and the next one has to be asked for.
   */
  async next(maxRecords: number, maxBytes: number): Promise<Slice | undefined> {
    if (this.#waiting.size > 0) this.#wakeWaiting();
    for (const stream of this.#ready) {
      const generations = this.#streams.get(stream) ?? [];
      for (const progress of generations) {
        // The younger generations wait with it.
        if (!progress.idle && this.#isFarAhead(progress)) break;
        const slice = progress.idle ? undefined : await this.#take(progress, maxRecords, maxBytes);
        if (slice === undefined) {
          // Its last record is whole in a moment, or is to be had when it was found, and belongs before theirs.
          if (this.#isAwaited(progress) && !this.#hurries) break;
          continue;
        }
        // To the end of the queue, but not before the segment is used up: each stream that is left in the middle of one
        // holds its memory, and there may be thousands.
        if (!progress.isInSegment) {
          this.#ready.delete(stream);
          this.#ready.add(stream);
        }
        return slice;
      }
      // Asked anew: while it was read, the stream may have got another generation.
      if ((this.#streams.get(stream) ?? []).every(({ idle }) => idle)) this.#ready.delete(stream);
    }
    return undefined;
  }

  /**
   * The unfinished last lines of all files, at shutdown. With `moveOver` the cursor moves over them, because the file is
   * complete (`--once`); else it stays before them.
   */
  async *partials(moveOver: boolean): AsyncGenerator<Slice> {
    for (const progress of this.#byFile.values()) {
      const { file, position } = progress;
      if (progress.isInSegment || position.offset >= file.size) continue;
      if (moveOver) {
        if (await this.#enterEnd(progress, true)) yield* takeAll(progress);
        continue;
      }
      // A record of whole lines with the beginning of one behind it is over, as it is after a while at the end of a file.
      if ((await this.#enterEnd(progress, false)) && progress.endsBefore(file.size)) yield* takeAll(progress);
      progress.leaveSegment();
      const rest = await this.#options.reader.read(file, progress.position, true);
      if (rest.kind !== "segment") continue;
      const slice = progress.takePartial(rest.segment);
      rest.segment.release();
      if (slice !== undefined) yield slice;
    }
  }

  #isAwaited({ file, position }: FileProgress): boolean {
    return this.#waiting.has(file) || (file.isSought === true && position.offset < file.size);
  }

  #isFarAhead({ unacknowledgedBytes }: FileProgress): boolean {
    if (unacknowledgedBytes >= WINDOW_BYTES) return true;
    return unacknowledgedBytes > 0 && this.#passage.unacknowledgedBytes >= WINDOW_BYTES;
  }

  /** Enters what stands at the end of a file; with `final` the line that is not finished too. */
  async #enterEnd(progress: FileProgress, final: boolean): Promise<boolean> {
    const result = await this.#options.reader.read(progress.file, progress.position, final, true);
    if (result.kind !== "segment") return false;
    progress.enter(result.segment);
    this.#passSent(progress);
    return progress.isInSegment;
  }

  async #take(progress: FileProgress, maxRecords: number, maxBytes: number): Promise<Slice | undefined> {
    while (!progress.isInSegment) if (!(await this.#read(progress))) return undefined;
    const slice = progress.take(maxRecords, maxBytes);
    if (slice?.records.length === 0) this.#finish(slice);
    return slice;
  }

  async #read(progress: FileProgress): Promise<boolean> {
    const { file, position } = progress;
    // Idle unless the read finds something, or the file changes while it is read.
    progress.idle = true;
    if (position.offset >= file.size) return false;
    if (file.hole !== undefined && position.offset < file.hole.offset) {
      this.#passHole(progress, file.hole);
      progress.idle = false;
      return this.#read(progress);
    }
    progress.isReading = true;
    const result = await this.#readEnd(file, position);
    progress.isReading = false;
    switch (result.kind) {
      case "segment":
        progress.idle = false;
        progress.enter(result.segment);
        this.#passSent(progress);
        return true;
      case "changed":
        this.#options.suspect(file, position);
        break;
      case "atEnd":
      case "unreadable":
        break;
    }
    // Of a copy that is shorter than the file was the rest will not come, once the copy can grow no more.
    if (file.state === "gone" || (file.missingFrom !== undefined && !file.canGrow)) this.#passLost(progress);
    return false;
  }

  /** What other sinks have read is shared; only the very end is read for each. */
  async #readEnd(file: FollowedFile, position: Position): Promise<ReadResult> {
    const { clock, reader } = this.#options;
    this.#waiting.delete(file);
    let result = await reader.read(file, position, false);
    if (result.kind !== "atEnd") return result;
    if (!file.canGrow) return reader.read(file, position, true);
    if (result.wholeAtMs !== undefined && result.wholeAtMs <= clock.elapsed())
      result = await reader.read(file, position, false, true);
    if (result.kind === "atEnd" && result.wholeAtMs !== undefined) this.#waiting.set(file, result.wholeAtMs);
    return result;
  }

  #passLost(progress: FileProgress): void {
    const { file, position, partial } = progress;
    const counters = noCounters();
    // The beginning of the lost bytes may be an unfinished line that was sent at the last stop.
    const sent = position.offset === progress.cursor.offset ? partial : undefined;
    settlePartial(counters, sent);
    const from = position.offset + (sent?.length ?? 0);
    counters.lostBytes = file.size - from;
    const loss: LossCheckpoint = {
      sink: this.#options.sink,
      file: file.id,
      path: file.path,
      from,
      to: file.size,
      reason:
        file.lossReason ??
        (file.deleted ? "deleted before it was read" : "truncated, replaced or deleted before it was read"),
      at: this.#options.clock.now(),
    };
    this.#pass(progress, {
      end: { offset: file.size, crc: 0, tail: 0 },
      counters,
      loss: loss.from < loss.to ? loss : undefined,
    });
  }

  #passHole(progress: FileProgress, end: Position): void {
    const counters = noCounters();
    counters.skippedBytes = end.offset - progress.position.offset;
    this.#pass(progress, { end, counters });
  }

  /** What was sent at the last stop, and is what it was then, is not sent again. */
  #passSent(progress: FileProgress): void {
    const range = progress.passSent();
    if (range !== undefined) this.#finish({ progress, range });
  }

  #pass(progress: FileProgress, range: TrackedRange): void {
    progress.pass(range);
    this.#finish({ progress, range });
  }

  #finish({ progress, range }: Pick<Slice, "progress" | "range">): void {
    const passed = progress.finish({ range });
    if (passed.length > 0) this.#options.passed(progress, passed);
  }
}

/** Oldest first; of two that are born in the same tick, the one that was found first. */
const byAge = ({ file: a }: FileProgress, { file: b }: FileProgress): number =>
  a.born === b.born ? a.id - b.id : Number(a.born - b.born);

function* takeAll(progress: FileProgress): Generator<Slice> {
  const slice = progress.take(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  if (slice !== undefined) yield slice;
}
