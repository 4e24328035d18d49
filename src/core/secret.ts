import { inspect } from "node:util";

const MASK = "[secret]";

/**
 * A value that must never be shown. It prints as a mask in logs, JSON and `inspect`; only `reveal()` gives it out.
 * A secret that came from the environment or a file can be read anew with `refresh()`.
 */
export class Secret {
  #value: string;
  readonly #read: () => string;

  /** `read` gives the value again; it may throw, for example when the secret's file is gone. */
  constructor(value: string, read: () => string = () => value) {
    this.#value = value;
    this.#read = read;
  }

  reveal(): string {
    return this.#value;
  }

  /** Reads the value anew. An unreadable or empty one leaves the old value in place; returns whether it changed. */
  refresh(): boolean {
    let next: string;
    try {
      next = this.#read();
    } catch {
      // The file may be missing for a moment while it is replaced: the old value stays the best one known.
      return false;
    }
    if (next === "" || next === this.#value) return false;
    this.#value = next;
    return true;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
