import type { Clock } from "../core/clock.ts";
import type { Outcome, Receipt } from "../core/outcome.ts";
import type { Sink } from "../core/sink.ts";
import type { Gate } from "./gate.ts";

export interface ConfirmationOptions {
  readonly sink: Sink;
  readonly gate: Gate;
  readonly clock: Clock;
}

/** Brings what a receiver has taken to where it is safe. */
export class Confirmation {
  readonly #options: ConfirmationOptions;

  constructor(options: ConfirmationOptions) {
    this.#options = options;
  }

  /** Waits until what was taken is safe; what is lost on the way is sent again. False if it was stopped before that. */
  async confirm(receipt: Receipt, signal: AbortSignal): Promise<boolean> {
    for (let current: Receipt | undefined = receipt; current !== undefined;) {
      if (await unlessAborted(current.settled, signal)) return true;
      if (!(await this.#options.gate.acquire(signal))) return false;
      try {
        const outcome = await this.#resend(current, signal);
        if (outcome?.kind === "delivered") return true;
        current = outcome?.kind === "received" ? outcome.receipt : undefined;
      } finally {
        this.#options.gate.release();
      }
    }
    return false;
  }

  /** Attempts until it is taken again. Undefined if `signal` aborted first, or nobody is there any more. */
  async #resend(receipt: Receipt, signal: AbortSignal): Promise<Outcome | undefined> {
    const { clock, gate, sink } = this.#options;
    for (let isBlocked = false; ;) {
      await gate.enter(signal);
      if (signal.aborted) return undefined;
      if (isBlocked) await sink.refresh?.();
      const startedMs = clock.elapsed();
      const outcome = refusedLater(await receipt.resend(signal));
      if (signal.aborted) return undefined;
      gate.settle(outcome, clock.elapsed() - startedMs);
      if (outcome.kind === "ended") return undefined;
      if (outcome.kind !== "retry" && outcome.kind !== "blocked") return outcome;
      isBlocked = outcome.kind === "blocked";
    }
  }
}

/** What was taken once can't be at fault: the receiver has been set up differently since. The bytes are kept. */
const refusedLater = (outcome: Outcome): Outcome =>
  outcome.kind === "rejected" || outcome.kind === "tooLarge"
    ? { kind: "blocked", reason: `refused, although it was taken before: ${outcome.reason}` }
    : outcome;

/** The promise's value; false if `signal` aborts first. */
async function unlessAborted(promise: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const aborted = Promise.withResolvers<boolean>();
  const abort = (): void => aborted.resolve(false);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
