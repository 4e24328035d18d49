import type { ReadResult } from "../core/reading.ts";
import type { Segment } from "../core/segment.ts";

interface Kept {
  readonly segment: Segment;
  readonly bytes: number;
  /** How many have got it. */
  takers: number;
}

/**
 * Keeps segments for the sinks that come to them next, until each has had them, bounded by the memory they take. Reads that
 * are under way are shared too. What holds no segment (the end of the file) is not kept: it is true only for a moment.
 */
export class SegmentCache {
  readonly #maxBytes: number;
  readonly #sinks: number;
  /** Reads under way, and how many wait for each. */
  readonly #pending = new Map<string, { readonly result: Promise<ReadResult>; callers: number }>();
  /** In the order of their last use: the first is dropped first. The cache holds each of them. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** `sinks` ask it for segments, each once as a rule. */
  constructor(maxBytes: number, sinks: number) {
    this.#maxBytes = maxBytes;
    this.#sinks = sinks;
  }

  /** The segment of a result is held by the caller. */
  get(key: string, load: () => Promise<ReadResult>): Promise<ReadResult> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) return Promise.resolve({ kind: "segment", segment: this.#take(key, kept) });
    const pending = this.#pending.get(key);
    if (pending === undefined) return this.#load(key, load);
    pending.callers += 1;
    return pending.result;
  }

  #take(key: string, kept: Kept): Segment {
    kept.takers += 1;
    const segment = kept.segment.retain();
    this.#kept.delete(key);
    if (kept.takers < this.#sinks) this.#kept.set(key, kept);
    else this.#drop(kept);
    return segment;
  }

  #load(key: string, load: () => Promise<ReadResult>): Promise<ReadResult> {
    const share = async (): Promise<ReadResult> => {
      try {
        const result = await load();
        if (result.kind === "segment") {
          // The loader's own hold goes to the first caller.
          for (let caller = 1; caller < pending.callers; caller += 1) result.segment.retain();
          if (pending.callers < this.#sinks) this.#keep(key, result.segment, pending.callers);
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

  #keep(key: string, segment: Segment, takers: number): void {
    const bytes = segment.memoryBytes;
    if (bytes > this.#maxBytes) return;
    this.#kept.set(key, { segment: segment.retain(), bytes, takers });
    this.#bytes += bytes;
    for (const [oldest, kept] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#kept.delete(oldest);
      this.#drop(kept);
    }
  }

  #drop({ segment, bytes }: Kept): void {
    this.#bytes -= bytes;
    segment.release();
  }
}
