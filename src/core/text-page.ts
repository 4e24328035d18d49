/**
 * The bytes of a segment as its records see them: each record's text is a part of it, at the record's own offset. Made
 * only of valid UTF-8, so that a record's bytes may be copied where its text is meant.
 *
 * The bytes belong to the segment, and its buffer is used again when the last holder has let it go: a record's text can
 * be read only as long as somebody holds its segment.
 */
export class TextPage {
  readonly bytes: Buffer;
  /** Offset in the file of the first byte. */
  readonly base: number;
  /** Whatever the bytes, latin1 and UTF-8 decode ASCII alike, and latin1 is the faster. */
  readonly #encoding: "latin1" | "utf8";
  #released = false;

  constructor(bytes: Buffer, base: number, isAscii: boolean) {
    this.bytes = bytes;
    this.base = base;
    this.#encoding = isAscii ? "latin1" : "utf8";
  }

  /** The text of `length` bytes at an offset in the file. */
  text(offset: number, length: number): string {
    this.assertHeld();
    const start = offset - this.base;
    return this.bytes.toString(this.#encoding, start, start + length);
  }

  /** Throws if the bytes may be others by now: a bug of whoever kept a record without its segment. */
  assertHeld(): void {
    if (this.#released) throw new Error("a record was read after its segment had been released");
  }

  release(): void {
    this.#released = true;
  }
}
