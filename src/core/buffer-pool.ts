/** Smaller buffers are left to the garbage collector: they cost it little. */
const SMALLEST_BYTES = 32 * 1_024;

const encoder = new TextEncoder();

/**
 * Large buffers that are used again. Left to the garbage collector they would pile up outside of its heap, which it
 * notices late: the resident memory would be several times what is in use.
 * A buffer is given back by the one who took it, when nothing reads it any more.
 */
export class BufferPool {
  readonly #maxFreeBytes: number;
  /** Free buffers by capacity, a power of two. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #freeBytes = 0;

  /** Keeps at most so many bytes of free buffers. */
  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** A buffer of exactly `length` bytes with any content. */
  take(length: number): Buffer {
    if (length < SMALLEST_BYTES) return Buffer.allocUnsafe(length);
    const capacity = 2 ** Math.ceil(Math.log2(length));
    const free = this.#free.get(capacity)?.pop();
    if (free === undefined) return Buffer.allocUnsafeSlow(capacity).subarray(0, length);
    this.#freeBytes -= capacity;
    return Buffer.from(free, 0, length);
  }

  /** Takes back a buffer, or any view that begins where it began. Its content may change from now on. */
  give({ buffer, byteOffset }: Buffer): void {
    const capacity = buffer.byteLength;
    const isOurs = byteOffset === 0 && capacity >= SMALLEST_BYTES && Number.isInteger(Math.log2(capacity));
    if (!isOurs || !(buffer instanceof ArrayBuffer) || this.#freeBytes + capacity > this.#maxFreeBytes) return;
    const free = this.#free.get(capacity);
    if (free === undefined) this.#free.set(capacity, [buffer]);
    else free.push(buffer);
    this.#freeBytes += capacity;
  }

  /**
   * The UTF-8 bytes of a text. Log text is ASCII nearly always: one byte for each character is guessed, which spares the
   * pass that measures it. A lone surrogate becomes U+FFFD.
   */
  encode(text: string): Buffer {
    const guess = this.take(text.length);
    // All characters read means all written, for no character takes less than a byte: the guess was right.
    if (encoder.encodeInto(text, guess).read === text.length) return guess;
    this.give(guess);
    const bytes = this.take(Buffer.byteLength(text));
    encoder.encodeInto(text, bytes);
    return bytes;
  }
}
