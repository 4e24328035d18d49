/** How much larger bodies may become with each that got through: a line that was slow once is not so for ever. */
const GROWTH = 1.05;

/**
 * How large the bodies of a sink may be: as large as the vendor allows, or as the line carries before the deadline of a
 * request. Bytes.
 */
export class BodyLimit {
  readonly #maxBytes: number;
  #bytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#bytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A body of so many bytes did not get through in time. */
  tooLong(bytes: number): void {
    this.#bytes = Math.min(this.#bytes, bytes / 2);
  }

  gotThrough(bytes: number): void {
    if (bytes > this.#bytes / 2) this.#bytes = Math.min(this.#maxBytes, this.#bytes * GROWTH);
  }
}
