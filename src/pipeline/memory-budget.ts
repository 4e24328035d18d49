/**
 * What all sinks together may hold in batches, bytes. One batch is granted to each sink whatever the others hold, so a
 * sink that is stuck with full hands can't stop the rest.
 */
export class MemoryBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Whether a sink that holds `ownBatches` may begin another batch. */
  allows(ownBatches: number, batchBytes: number): boolean {
    return ownBatches === 0 || this.#heldBytes + batchBytes <= this.#maxBytes;
  }

  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    for (const wake of this.#waiting) wake();
  }

  /** Calls `wake` whenever memory is released. Returns how to stop that. */
  onRelease(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}
