import type { Counters } from "../core/checkpoint.ts";
import { type LogRecord, RECORD_OVERHEAD_BYTES } from "../core/record.ts";
import type { Sink } from "../core/sink.ts";
import type { Claim, Slice } from "./progress.ts";
import type { Run } from "./runs.ts";
import { fitRecord, mayExceed } from "./split.ts";

/** Bytes of memory for each byte of log: the segment's, and those of the body with its envelopes. */
const MEMORY_FACTOR = 3;

/** Records on their way to one sink. Filled by its pipeline, then delivered as a whole. */
export class Batch {
  readonly slices: Slice[] = [];
  readonly records: LogRecord[] = [];
  /** The index of the record after the last one of each slice. */
  readonly #ends: number[] = [];
  readonly #limits: Sink["limits"];
  readonly #measure: (record: LogRecord) => number;
  readonly #onSplit: () => void;
  readonly #maxBytes: number;
  /** Monotonic time at which the first record came in, milliseconds. */
  readonly #openedMs: number;
  #bytes = 0;

  /**
   * `maxBytes` is what the file's bytes may be, so that the encoded body is about what the sink takes. `measure` gives the
   * encoded size of a record, bytes. `onSplit` is called for each record that had to be split.
   */
  constructor(
    limits: Sink["limits"],
    maxBytes: number,
    openedMs: number,
    measure: (record: LogRecord) => number,
    onSplit: () => void = () => {},
  ) {
    this.#onSplit = onSplit;
    this.#measure = measure;
    this.#limits = limits;
    this.#maxBytes = maxBytes;
    this.#openedMs = openedMs;
  }

  get isFull(): boolean {
    return this.roomForRecords <= 0 || this.roomForBytes <= 0;
  }

  get roomForRecords(): number {
    return this.#limits.maxRecords - this.records.length;
  }

  get roomForBytes(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Bytes of the log files in it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory it takes until it is released, about, bytes. */
  get memoryBytes(): number {
    return MEMORY_FACTOR * this.#bytes + this.records.length * RECORD_OVERHEAD_BYTES;
  }

  /** Milliseconds until the batch has waited long enough. */
  remainingMs(nowMs: number): number {
    return this.#openedMs + this.#limits.maxAgeMs - nowMs;
  }

  add(slice: Slice): void {
    const start = this.records.length;
    this.slices.push(slice);
    for (const record of slice.records) {
      this.#bytes += record.length;
      if (mayExceed(record, this.#limits)) this.#addParts(record);
      else this.records.push(record);
    }
    if (slice.runs !== undefined) {
      const all = this.records.splice(start);
      for (const { from, to } of slice.runs) for (const record of all.slice(from, to)) this.records.push(record);
    }
    this.#ends.push(this.records.length);
  }

  /** The claims on its records, which stay when those are released, and which of the records each is on. */
  get claims(): readonly { readonly claim: Claim; readonly records: Run }[] {
    return this.slices.map(({ records: _records, segment: _segment, ...claim }, index) => ({
      claim,
      records: { from: this.#ends[index - 1] ?? 0, to: this.#ends[index] ?? 0 },
    }));
  }

  #addParts(record: LogRecord): void {
    const parts = fitRecord(record, this.#limits, this.#measure);
    this.records.push(...parts);
    if (parts.length > 1) this.#onSplit();
  }

  /** Lets the segments go whose records these are, and the records. */
  release(): void {
    for (const { segment } of this.slices.splice(0)) segment?.release();
    this.records.length = 0;
  }

  /** The file and the counters of the slice that a record of this batch came in. */
  sourceOf(index: number): { readonly generation: number; readonly counters: Counters } {
    const slice = this.slices[this.#ends.findIndex((end) => index < end)];
    if (slice === undefined) throw new Error(`the batch has no record ${index}`);
    return { generation: slice.progress.file.id, counters: slice.range.counters };
  }
}
