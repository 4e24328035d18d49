import { appendFile } from "node:fs/promises";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Counters } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { LogRecord } from "../core/record.ts";
import type { Sink } from "../core/sink.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import { noCounters } from "./counters.ts";
import { decodeLetter, type DeadLetter, recordOf } from "./dead-letter.ts";
import { linesOf, readCursor, removeSegment, writeCursor } from "./dead-letter-segments.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { Delivery } from "./delivery.ts";
import { Gate } from "./gate.ts";
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
  readonly counters: Counters = noCounters();
  readonly #generations: number[] = [];
  bytes = 0;

  add(letter: DeadLetter): void {
    this.records.push(recordOf(letter));
    this.#generations.push(letter.generation);
    this.bytes += Buffer.byteLength(letter.record);
    // As in a batch: of a record that was split the first part stands for the whole.
    this.counters.deliveredRecords += letter.length > 0 ? 1 : 0;
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
    const { clock, emit, name, random } = options;
    this.#options = options;
    let failures = 0;
    const gate = new Gate({
      concurrency: { min: 1, max: 1 },
      clock,
      random,
      onFailing: ({ kind, reason }, waitMs) => {
        failures += 1;
        const event = { sink: name, reason, waitMs: Math.round(waitMs), failures };
        emit({ kind: kind === "blocked" ? "sink.blocked" : "sink.failing", ...event });
      },
      onRecovered: (outageMs) => {
        failures = 0;
        emit({ kind: "sink.recovered", sink: name, outageMs });
      },
    });
    this.#delivery = new Delivery({ ...options, gate, expectsRefusals: true });
  }

  /** Delivers a closed segment from its cursor on. Ends early, with the rest still there, when `signal` aborts. */
  async segment(path: string, signal: AbortSignal): Promise<ReplayResult> {
    const done = await readCursor(path);
    const result = { delivered: 0, returned: 0, damaged: 0, finished: false };
    let parcel = new Parcel();
    let line = 0;
    const send = async (): Promise<boolean> => {
      if (parcel.records.length > 0 && !(await this.#delivery.deliver(parcel, signal))) return false;
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

  async close(): Promise<void> {
    await this.#options.deadLetters.close();
    await this.#options.sink.close();
  }

  #isFull({ records, bytes }: Parcel): boolean {
    return records.length >= this.#options.sink.limits.maxRecords || bytes >= this.#delivery.bytesPerRequest / 2;
  }
}
