import type { Clock } from "../core/clock.ts";
import type { Meter } from "../core/meter.ts";
import type { Notifier } from "../core/notifier.ts";
import type { LogRecord } from "../core/record.ts";
import type { Sink } from "../core/sink.ts";
import { Batch } from "./batch.ts";
import type { BodyEncoder } from "./body/encoder.ts";
import type { Delivery } from "./delivery.ts";
import type { Feed } from "./feed.ts";
import type { Slice } from "./progress.ts";
import type { Resending } from "./resending.ts";

export interface FillingOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly encoder: BodyEncoder;
  readonly clock: Clock;
  readonly meter?: Meter | undefined;
  readonly delivery: Delivery;
  readonly feed: Feed;
  readonly resending: Resending;
  /** Notified when there may be more to read. */
  readonly wake: Notifier;
  readonly signal: AbortSignal;
}

/** Makes the batches of one sink: of what has to be sent again first, then of what is new. */
export class Filling {
  readonly #options: FillingOptions;

  constructor(options: FillingOptions) {
    this.#options = options;
  }

  newBatch(): Batch {
    const { clock, delivery, encoder, meter, name, sink } = this.#options;
    const measure = (record: LogRecord): number => encoder.measure(sink, record);
    const onSplit = (): void => meter?.split(name);
    return new Batch(sink.limits, delivery.bytesPerRequest, clock.elapsed(), measure, onSplit);
  }

  /** Collects records until the batch is full or old enough; if `mayWait` returns false, until there are no more. */
  async fill(mayWait: () => boolean): Promise<Batch | undefined> {
    const { clock, feed, resending, signal, wake } = this.#options;
    let batch: Batch | undefined;
    while (batch?.isFull !== true && !signal.aborted) {
      if (batch !== undefined && resending.nextBytes > batch.roomForBytes) break;
      const slice = await this.#next(batch);
      const remainingMs = batch?.remainingMs(clock.elapsed()) ?? 0;
      if (slice !== undefined && slice.records.length > 0) {
        batch ??= this.newBatch();
        batch.add(slice);
        continue;
      }
      // Much may be filtered one after the other; what a batch has already does not wait for the end of it.
      if (slice !== undefined && (batch === undefined || remainingMs > 0)) continue;
      if (remainingMs <= 0 || !mayWait()) break;
      await wake.wait(clock, Math.min(remainingMs, feed.untilWholeMs), signal);
    }
    return batch;
  }

  async #next(batch: Batch | undefined): Promise<Slice | undefined> {
    const { delivery, feed, resending, sink } = this.#options;
    const roomForRecords = batch?.roomForRecords ?? sink.limits.maxRecords;
    const again = resending.isEmpty ? undefined : await resending.next();
    return again ?? (await feed.next(roomForRecords, batch?.roomForBytes ?? delivery.bytesPerRequest));
  }
}
