import type { Sink } from "../core/sink.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import type { Deliverable } from "./shipment.ts";

/** Bodies are guessed a little larger than they become: to make one larger costs a copy. */
const GUESS_FACTOR = 1.05;

/** How much the latest batch counts in the running ratio of encoded to raw bytes. */
const RATIO_WEIGHT = 0.1;

/** Encodes batches of one sink, and learns from them how large bodies become. */
export class BatchEncoder {
  readonly #sink: Sink;
  readonly #encoder: BodyEncoder;
  /** Encoded bytes for each byte of log. */
  #ratio = 1.3;

  constructor(sink: Sink, encoder: BodyEncoder) {
    this.#sink = sink;
    this.#encoder = encoder;
  }

  /** Bytes of log that fill a request of this sink, as the batches so far were encoded. */
  get bytesPerRequest(): number {
    return (0.95 * this.#sink.limits.maxBytes) / this.#ratio;
  }

  /** The body of some records of a batch. It comes from the pool, and whoever has it gives it back. */
  encode(batch: Deliverable, from: number, to: number): Buffer {
    const isWhole = to - from === batch.records.length;
    const records = isWhole ? batch.records : batch.records.slice(from, to);
    const part = records.length / batch.records.length;
    const body = this.#encoder.encode(this.#sink, records, GUESS_FACTOR * this.#ratio * batch.bytes * part);
    if (isWhole && batch.bytes > 0) this.#ratio += RATIO_WEIGHT * (body.length / batch.bytes - this.#ratio);
    return body;
  }
}
