import type { ReadResult } from "../core/reading.ts";
import type { Segment } from "../core/segment.ts";

/**
 * Keeps the latest segments for the sinks that come to them next, bounded by the memory they take. Reads that are under
 * way are shared too. What holds no segment (the end of the file) is not kept: it is true only for a moment.
 */
export class SegmentCache {
  readonly #maxBytes: number;
  /** Reads under way, and how many wait for each. */
  readonly #pending = new Map<string, { readonly result: Promise<ReadResult>; callers: number }>();
  /** In the order of their last use: the first is dropped first. The cache holds each of them. */
  readonly #kept = new Map<string, Segment>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The segment of a result is held by the caller. */
  get(key: string, load: () => Promise<ReadResult>): Promise<ReadResult> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return Promise.resolve({ kind: "segment", segment: kept.retain() });
    }
    const pending = this.#pending.get(key);
    if (pending === undefined) return this.#load(key, load);
    pending.callers += 1;
    return pending.result;
  }

  #load(key: string, load: () => Promise<ReadResult>): Promise<ReadResult> {
    const share = async (): Promise<ReadResult> => {
      try {
        const result = await load();
        if (result.kind === "segment") {
          // The loader's own hold goes to the first caller.
          for (let caller = 1; caller < pending.callers; caller += 1) result.segment.retain();
          this.#keep(key, result.segment);
        }
        return result;
      } finally {
        this.#pending.delete(key);
      }
    };
    const pending = { result: share(), callers: 1 };
    this.#pending.set(key, pending);
    return pending.result;
  }

  #keep(key: string, segment: Segment): void {
    if (segment.memoryBytes > this.#maxBytes) return;
    this.#kept.set(key, segment.retain());
    this.#bytes += segment.memoryBytes;
    for (const [oldest, dropped] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#bytes -= dropped.memoryBytes;
      dropped.release();
    }
  }
}
