import { appendFileSync, closeSync, existsSync, openSync, renameSync, rmSync } from "node:fs";

/** The last sequence number of a generation that an earlier run left: below every number, so free to be deleted. */
const OF_EARLIER_RUN = -1;

/**
 * A log file that rotates by rename, as logrotate does it: app.log becomes app.log.1, that app.log.2, and so on. Writes
 * are synchronous and whole lines, so that a kill never tears one.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #keep: number;
  #descriptor: number;
  #last = OF_EARLIER_RUN;
  /** The last sequence number of each rotated generation, the newest first. */
  readonly #generations: number[] = [];

  /** Opens the file for appending. `keep` is the number of rotated generations. Throws system errors. */
  constructor(path: string, keep: number) {
    this.#path = path;
    this.#keep = keep;
    while (existsSync(this.#generation(this.#generations.length + 1))) this.#generations.push(OF_EARLIER_RUN);
    this.#descriptor = openSync(path, "a");
  }

  /** Appends whole lines; `last` is the highest sequence number in them. */
  append(text: string, last: number): void {
    appendFileSync(this.#descriptor, text);
    this.#last = last;
  }

  /** Rotates, then deletes the oldest generations beyond `keep`, but none with a number that is still needed. */
  rotate(isNeeded: (sequence: number) => boolean): void {
    for (let n = this.#generations.length; n >= 1; n -= 1) renameSync(this.#generation(n), this.#generation(n + 1));
    renameSync(this.#path, this.#generation(1));
    this.#generations.unshift(this.#last);
    const next = openSync(this.#path, "a");
    closeSync(this.#descriptor);
    this.#descriptor = next;
    while (this.#generations.length > this.#keep && !isNeeded(this.#generations.at(-1) ?? OF_EARLIER_RUN)) {
      rmSync(this.#generation(this.#generations.length));
      this.#generations.pop();
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #generation(n: number): string {
    return `${this.#path}.${n}`;
  }
}
