import type { Batch } from "./batch.ts";
import type { Gate } from "./gate.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/**
 * What a batch occupies while it is under way: its records, a place in the sink's gate, and memory. Once its receiver has
 * taken it, only the memory of what would have to be sent again.
 */
export class Occupancy {
  readonly #batch: Batch;
  readonly #gate: Gate;
  readonly #budget: MemoryBudget;
  #heldBytes: number;
  #isReceived = false;

  /** The batch has its place in the gate already. */
  constructor(batch: Batch, gate: Gate, budget: MemoryBudget) {
    this.#batch = batch;
    this.#gate = gate;
    this.#budget = budget;
    this.#heldBytes = batch.memoryBytes;
    budget.hold(this.#heldBytes);
  }

  /** Bytes that are kept because their receiver has not confirmed them. */
  get unconfirmedBytes(): number {
    return this.#isReceived ? this.#heldBytes : 0;
  }

  /** The receiver has taken all. `heldBytes` are kept until it confirms. */
  received(heldBytes: number): void {
    this.#budget.hold(heldBytes);
    this.#leave();
    this.#isReceived = true;
    this.#heldBytes = heldBytes;
  }

  end(): void {
    if (this.#isReceived) this.#budget.release(this.#heldBytes);
    else this.#leave();
  }

  #leave(): void {
    this.#batch.release();
    this.#budget.release(this.#heldBytes);
    this.#gate.release();
  }
}
