import { memoryOf, type Segment } from "./segment.ts";

type Shared = { readonly kind: string; readonly segment?: Segment };

/**
 * Keeps the latest segments for the sinks that come to them next, bounded by the memory they take. Reads that are under
 * way are shared too. What holds no segment (the end of the file) is not kept: it is true only for a moment.
 */
export class SegmentCache<Result extends Shared> {
  readonly #maxBytes: number;
  readonly #pending = new Map<string, Promise<Result>>();
  /** In the order of their last use: the first is dropped first. */
  readonly #kept = new Map<string, { readonly result: Result; readonly bytes: number }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  async get(key: string, load: () => Promise<Result>): Promise<Result> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept.result;
    }
    const pending = this.#pending.get(key) ?? this.#load(key, load);
    return pending;
  }

  dropPrefix(prefix: string): void {
    for (const key of this.#kept.keys()) if (key.startsWith(prefix)) this.#drop(key);
  }

  async #load(key: string, load: () => Promise<Result>): Promise<Result> {
    const loading = load();
    this.#pending.set(key, loading);
    try {
      const result = await loading;
      if (result.segment !== undefined) this.#keep(key, result, memoryOf(result.segment));
      return result;
    } finally {
      this.#pending.delete(key);
    }
  }

  #keep(key: string, result: Result, bytes: number): void {
    this.#kept.set(key, { result, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
