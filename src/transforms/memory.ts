import { ThrottleState } from "./throttle-state.ts";

/** Bound of what is remembered of the places in files where reading goes on, bytes. */
const MAX_BYTES = 4 * 1_024 ** 2;

/** What a place takes besides its states, about, bytes. */
const PLACE_BYTES = 160;

type States = readonly ThrottleState[];

/** What throttles remember at the places where sinks go on reading. The longest-unused places are forgotten first. */
export class ThrottleMemory {
  readonly #places = new Map<string, States>();
  #bytes = 0;

  has(file: number, offset: number): boolean {
    return this.#places.has(placeOf(file, offset));
  }

  /** What was remembered at a place, to be changed; or `count` states of the beginning. */
  recall(file: number, offset: number, count: number): States {
    const place = placeOf(file, offset);
    const states = this.#places.get(place);
    if (states === undefined) return Array.from({ length: count }, () => new ThrottleState());
    this.#places.delete(place);
    this.#places.set(place, states);
    return states.map((state) => state.copy());
  }

  remember(file: number, offset: number, states: States): void {
    const place = placeOf(file, offset);
    this.#forget(place);
    this.#places.set(place, states);
    this.#bytes += bytesOf(states);
    for (const oldest of this.#places.keys()) {
      if (this.#bytes <= MAX_BYTES || oldest === place) break;
      this.#forget(oldest);
    }
  }

  #forget(place: string): void {
    const states = this.#places.get(place);
    if (states === undefined) return;
    this.#places.delete(place);
    this.#bytes -= bytesOf(states);
  }
}

const placeOf = (file: number, offset: number): string => `${file}:${offset}`;

const bytesOf = (states: States): number => states.reduce((sum, { memoryBytes }) => sum + memoryBytes, PLACE_BYTES);
