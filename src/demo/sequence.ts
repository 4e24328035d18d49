const CHUNK_BITS = 65_536;
/** Incomplete chunks of 8 KiB: a bound on what numbers that no application wrote can take. */
const MAX_OPEN_CHUNKS = 1_024;

/**
 * A set of sequence numbers that counts what comes twice. A bitmap in chunks, which a complete chunk leaves again: what
 * arrives roughly in order takes almost no memory, however much it is.
 */
export class SequenceSet {
  readonly #open = new Map<number, { readonly bits: Uint8Array; count: number }>();
  readonly #full = new Set<number>();
  #count = 0;
  #duplicates = 0;
  #lowest = Number.POSITIVE_INFINITY;
  #highest = -1;
  #prefix = 0;

  /** Distinct numbers. */
  get count(): number {
    return this.#count;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** Numbers between the lowest and the highest that have not come. */
  get gaps(): number {
    return this.#count === 0 ? 0 : this.#highest - this.#lowest + 1 - this.#count;
  }

  /** The first number from 0 on that has not come. */
  get prefix(): number {
    while (this.has(this.#prefix)) this.#prefix += 1;
    return this.#prefix;
  }

  get highest(): number {
    return this.#highest;
  }

  has(sequence: number): boolean {
    const chunk = Math.floor(sequence / CHUNK_BITS);
    const { byte, mask } = place(sequence);
    return this.#full.has(chunk) || ((this.#open.get(chunk)?.bits[byte] ?? 0) & mask) !== 0;
  }

  /** False if the number can't be kept. */
  add(sequence: number): boolean {
    if (this.has(sequence)) {
      this.#duplicates += 1;
      return true;
    }
    const index = Math.floor(sequence / CHUNK_BITS);
    let chunk = this.#open.get(index);
    if (chunk === undefined) {
      if (this.#open.size >= MAX_OPEN_CHUNKS) return false;
      chunk = { bits: new Uint8Array(CHUNK_BITS / 8), count: 0 };
      this.#open.set(index, chunk);
    }
    const { byte, mask } = place(sequence);
    chunk.bits[byte] = (chunk.bits[byte] ?? 0) | mask;
    chunk.count += 1;
    if (chunk.count === CHUNK_BITS) {
      this.#open.delete(index);
      this.#full.add(index);
    }
    this.#count += 1;
    this.#lowest = Math.min(this.#lowest, sequence);
    this.#highest = Math.max(this.#highest, sequence);
    return true;
  }
}

function place(sequence: number): { readonly byte: number; readonly mask: number } {
  const bit = sequence % CHUNK_BITS;
  return { byte: bit >> 3, mask: 1 << (bit & 7) };
}

const IN_TEXT = /\bseq"?[=:](\d{1,15})\b/;

/** The sequence number that a record carries: as the field `seq` of an object, or in its text as `seq=12`. */
export function sequenceOf(record: unknown): number | undefined {
  if (typeof record === "string") {
    const digits = IN_TEXT.exec(record)?.[1];
    return digits === undefined ? undefined : Number(digits);
  }
  if (typeof record !== "object" || record === null || !("seq" in record)) return undefined;
  const { seq } = record;
  return typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
}

/** What one receiver has got, by the records' own numbers. */
export class Tally {
  readonly sequences = new SequenceSet();
  /** Records without a usable number. */
  unnumbered = 0;

  add(record: unknown): void {
    const sequence = sequenceOf(record);
    if (sequence === undefined || !this.sequences.add(sequence)) this.unnumbered += 1;
  }
}
