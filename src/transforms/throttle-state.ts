import { crc32 } from "node:zlib";

/**
 * A throttle begins anew at each multiple of so many bytes of a file: what it remembers can be found again by reading no
 * more than this.
 */
export const CELL_BYTES = 8 * 1_024 ** 2;

/** Windows that are open at the same time: records of several threads are not quite in the order of their times. */
const MAX_WINDOWS = 4;

/** Keys that are remembered, of all windows together; the longest-known is forgotten first, and begins anew. */
const MAX_KEYS = 1_000;

/** A longer key is told apart by its beginning and a checksum, UTF-16 units. */
const MAX_KEY = 96;

/** What a key takes in memory, about, bytes. */
const KEY_BYTES = 2 * MAX_KEY + 160;

/** What became of the records with a key in a window. */
export interface KeyCount {
  /** Number of the window since the epoch. */
  readonly window: number;
  readonly key: string;
  passed: number;
  held: number;
  /** How many were held back when that was told the last time. */
  told: number;
}

/** What a throttle remembers at a place in a file. */
export class ThrottleState {
  #cell = 0;
  /** The window of the last record that had a time. */
  #latest: number | undefined;
  /** Open windows, the last opened one last. */
  readonly #windows = new Set<number>();
  readonly #counts = new Map<string, KeyCount>();

  get latest(): number | undefined {
    return this.#latest;
  }

  get memoryBytes(): number {
    return 200 + this.#counts.size * KEY_BYTES;
  }

  copy(): ThrottleState {
    const copy = new ThrottleState();
    copy.#cell = this.#cell;
    copy.#latest = this.#latest;
    for (const window of this.#windows) copy.#windows.add(window);
    for (const [name, count] of this.#counts) copy.#counts.set(name, { ...count });
    return copy;
  }

  /** To be called with each record's offset. Returns what has yet to be told of the cell that ended. */
  enterCell(offset: number): readonly KeyCount[] {
    const cell = Math.floor(offset / CELL_BYTES);
    if (cell === this.#cell) return NONE;
    const untold = this.#untold();
    this.#cell = cell;
    this.#latest = undefined;
    this.#windows.clear();
    this.#counts.clear();
    return untold;
  }

  /** Opens a window if it is not open. Returns what has yet to be told of the others then. */
  enterWindow(window: number): readonly KeyCount[] {
    this.#latest = window;
    if (this.#windows.has(window)) return NONE;
    const untold = this.#untold();
    for (const count of untold) count.told = count.held;
    const [oldest] = this.#windows;
    if (oldest !== undefined && this.#windows.size >= MAX_WINDOWS) {
      this.#windows.delete(oldest);
      for (const [name, count] of this.#counts) if (count.window === oldest) this.#counts.delete(name);
    }
    this.#windows.add(window);
    return untold;
  }

  countOf(window: number, text: string): KeyCount {
    const key = text.length <= MAX_KEY ? text : `${text.slice(0, MAX_KEY)}~${crc32(text).toString(16)}`;
    const name = `${window} ${key}`;
    let count = this.#counts.get(name);
    if (count === undefined) {
      const [first] = this.#counts.keys();
      if (first !== undefined && this.#counts.size >= MAX_KEYS) this.#counts.delete(first);
      count = { window, key, passed: 0, held: 0, told: 0 };
      this.#counts.set(name, count);
    }
    return count;
  }

  #untold(): readonly KeyCount[] {
    return [...this.#counts.values()].filter(({ held, told }) => held > told);
  }
}

const NONE: readonly KeyCount[] = [];
