/** Smaller buffers are left to the garbage collector: they cost it little. */
const SMALLEST_BYTES = 8 * 1_024;

/** From half of this on, capacities are multiples of it, so that bodies of about the same size can have each other's buffers. */
const STEP_BYTES = 64 * 1_024;

/**
 * Buffers that are used again. Left to the garbage collector they would pile up outside of its heap, which it
 * notices late: the resident memory would be several times what is in use.
 * A buffer is given back by the one who took it, when nothing reads it any more.
 */
export class BufferPool {
  readonly #maxFreeBytes: number;
  /** All memory the pool ever made: nothing else can be given to it. */
  readonly #own = new WeakSet<ArrayBufferLike>();
  readonly #free: ArrayBuffer[] = [];
  #freeBytes = 0;

  /** Keeps at most so many bytes of free buffers. */
  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** A buffer of exactly `length` bytes with any content. */
  take(length: number): Buffer {
    if (length < SMALLEST_BYTES) return Buffer.allocUnsafe(length);
    // A much larger one would be wasted on it.
    const fits = this.#free.findIndex(({ byteLength }) => byteLength >= length && byteLength <= 2 * length);
    const [free] = fits === -1 ? [] : this.#free.splice(fits, 1);
    if (free !== undefined) {
      this.#freeBytes -= free.byteLength;
      return Buffer.from(free, 0, length);
    }
    const made = Buffer.allocUnsafeSlow(capacityFor(length));
    this.#own.add(made.buffer);
    return made.subarray(0, length);
  }

  /** Takes back a buffer, or any part of it. Its content may change from now on. Any other buffer is left alone. */
  give({ buffer }: Buffer): void {
    if (!(buffer instanceof ArrayBuffer) || !this.#own.has(buffer) || this.#free.includes(buffer)) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
    // Those that nobody has wanted for the longest make room.
    while (this.#freeBytes > this.#maxFreeBytes) this.#freeBytes -= this.#free.shift()?.byteLength ?? 0;
  }
}

/** Small ones are powers of two. No capacity is more than twice the length. */
function capacityFor(length: number): number {
  if (length > STEP_BYTES / 2) return Math.ceil(length / STEP_BYTES) * STEP_BYTES;
  return 2 ** Math.ceil(Math.log2(length));
}
