/** Records over which the share of rejected ones is taken. */
const WINDOW = 1_000;

/**
 * Tells a few bad records from a wrong setting. When more than half of the last 1,000 records were rejected, the fault
 * is hardly in the records, and the log must not be turned into dead letters.
 */
export class Rejections {
  /** One entry a record, in a ring: whether it was rejected. */
  readonly #ring = new Uint8Array(WINDOW);
  #next = 0;
  #rejected = 0;

  get isMass(): boolean {
    return this.#rejected > WINDOW / 2;
  }

  add(records: number, rejected: boolean): void {
    for (let i = 0; i < Math.min(records, WINDOW); i += 1) {
      this.#rejected += Number(rejected) - (this.#ring[this.#next] ?? 0);
      this.#ring[this.#next] = Number(rejected);
      this.#next = (this.#next + 1) % WINDOW;
    }
  }
}
