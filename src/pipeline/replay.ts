import { appendFile } from "node:fs/promises";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Counters } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { LogRecord } from "../core/record.ts";
import type { Sink } from "../core/sink.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import { unsafeOf } from "./confirmation.ts";
import { noCounters } from "./counters.ts";
import { decodeLetter, type DeadLetter, recordOf } from "./dead-letter.ts";
import { linesOf, readCursor, removeSegment, writeCursor } from "./dead-letter-segments.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { Delivery } from "./delivery.ts";
import { createReportedGate } from "./reported-gate.ts";
import type { Run } from "./runs.ts";
import type { Deliverable } from "./shipment.ts";

export interface ReplayOptions {
  readonly name: string;
  readonly sink: Sink;
  /** Where a letter goes that is refused again. */
  readonly deadLetters: DeadLetters;
  readonly encoder: BodyEncoder;
  readonly pool: BufferPool;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
}

/** What became of the letters of a segment. */
export interface ReplayResult {
  readonly delivered: number;
  /** Refused again, and kept again. */
  readonly returned: number;
  /** Lines that are no letters: they were put aside in the segment's `.damaged`. */
  readonly damaged: number;
  /** Whether nothing is left of the segment: it is removed then. */
  readonly finished: boolean;
}

/** Letters that go out in one batch. */
class Parcel implements Deliverable {
  readonly records: LogRecord[] = [];
  readonly counters: Counters;
  readonly #generations: number[] = [];
  bytes = 0;

  constructor(counters: Counters = noCounters()) {
    this.counters = counters;
  }

  add(letter: DeadLetter): void {
    this.records.push(recordOf(letter));
    this.#generations.push(letter.generation);
    this.bytes += Buffer.byteLength(letter.record);
    // As in a batch: of a record that was split the first part stands for the whole.
    this.counters.deliveredRecords += letter.length > 0 ? 1 : 0;
  }

  /** Some of its records once more. They are counted already. */
  only(runs: readonly Run[]): Parcel {
    const parcel = new Parcel(this.counters);
    parcel.bytes = this.bytes;
    for (const { from, to } of runs) {
      parcel.records.push(...this.records.slice(from, to));
      parcel.#generations.push(...this.#generations.slice(from, to));
    }
    return parcel;
  }

  sourceOf(index: number): { readonly generation: number; readonly counters: Counters } {
    return { generation: this.#generations[index] ?? 0, counters: this.counters };
  }
}

/**
 * Sends the dead letters of one sink again, in order, one batch at a time. A cursor beside each segment is made durable
 * after each batch, so that a kill repeats one batch at most.
 */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #delivery: Delivery;

  constructor(options: ReplayOptions) {
    this.#options = options;
    const gate = createReportedGate({ ...options, concurrency: { min: 1, max: 1 } });
    this.#delivery = new Delivery({ ...options, gate, expectsRefusals: true });
  }

  /** Delivers a closed segment from its cursor on. Ends early, with the rest still there, when `signal` aborts. */
  async segment(path: string, signal: AbortSignal): Promise<ReplayResult> {
    const done = await readCursor(path);
    const result = { delivered: 0, returned: 0, damaged: 0, finished: false };
    let parcel = new Parcel();
    let line = 0;
    const send = async (): Promise<boolean> => {
      if (parcel.records.length > 0 && !(await this.#deliver(parcel, signal))) return false;
      result.delivered += parcel.counters.deliveredRecords;
      result.returned += parcel.counters.deadLetteredRecords;
      if (line > done) await writeCursor(path, line);
      parcel = new Parcel();
      return true;
    };
    for await (const { text, torn } of linesOf(path)) {
      if (this.#isFull(parcel) && !(await send())) return result;
      line += 1;
      if (line <= done) continue;
      const letter = decodeLetter(text);
      if (letter !== undefined) {
        parcel.add(letter);
      } else if (!torn) {
        await appendFile(`${path}.damaged`, `${text}\n`, { mode: 0o600, flush: true });
        result.damaged += 1;
      }
    }
    if (!(await send())) return result;
    await removeSegment(path);
    return { ...result, finished: true };
  }

  /** Until all is safe; false if it was stopped before that. */
  async #deliver(parcel: Parcel, signal: AbortSignal): Promise<boolean> {
    for (let rest = parcel; ;) {
      const unconfirmed = await this.#delivery.deliver(rest, signal);
      const unsafe = unconfirmed === undefined ? undefined : await unsafeOf(unconfirmed, signal);
      if (unsafe === undefined || unsafe.length === 0) return unsafe !== undefined;
      rest = rest.only(unsafe);
    }
  }

  async close(): Promise<void> {
    await this.#options.deadLetters.close();
    await this.#options.sink.close();
  }

  #isFull({ records, bytes }: Parcel): boolean {
    return records.length >= this.#options.sink.limits.maxRecords || bytes >= this.#delivery.bytesPerRequest / 2;
  }
}
