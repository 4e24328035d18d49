/**
 * What became of one attempt to deliver a batch. Expected failures are values, never exceptions; a switch over
 * `kind` is exhaustive.
 *
 * - `delivered`: the vendor's documented success, nothing weaker.
 * - `received`: taken, but not safe yet. `settled` becomes true once the receiver confirms it; false when that can't be hoped
 *   for any more: then the same records are sent again. It never rejects, and neither sink nor pipeline keeps the data meanwhile.
 * - `retry`: transient; the same batch is sent again. `afterMs` is the vendor's own wish (`Retry-After`). `cutShort`: the
 *   deadline came before all of the body was sent, so that a smaller one may get through where the line is slow.
 * - `tooLarge`: the body is over the vendor's limit; it is halved.
 * - `rejected`: the vendor will never take (some of) this data. `firstBad` is the index in the batch of the first record
 *   it refused, when it says so: the records before it are delivered already, those after it were not looked at.
 * - `blocked`: our own configuration or credentials are at fault. The data is kept, the sink raises an alarm and
 *   probes slowly.
 * - `ended`: the receiver has gone for good (a closed pipe). The sink stops without an error.
 */
export type Outcome =
  | { readonly kind: "delivered" }
  | { readonly kind: "received"; readonly settled: Promise<boolean> }
  | {
      readonly kind: "retry";
      readonly reason: string;
      readonly afterMs?: number | undefined;
      readonly cutShort?: boolean;
    }
  | ({ readonly kind: "tooLarge"; readonly reason: string } & Refusal)
  | ({ readonly kind: "rejected"; readonly reason: string; readonly firstBad?: number | undefined } & Refusal)
  | { readonly kind: "blocked"; readonly reason: string }
  | { readonly kind: "ended"; readonly reason: string };

/** What the receiver answered when it refused a record for good. Kept beside the record among the dead letters. */
export interface Refusal {
  readonly status?: number | undefined;
  /** The beginning of the response's body. */
  readonly response?: string | undefined;
}

/**
 * A reason without what it quotes of the receiver's answer, which may hold a line of the log: `HTTP 400: {"text": ...}` becomes
 * `HTTP 400`. For places that more people can see than the agent's own log.
 */
export const withoutAnswer = (reason: string): string => reason.replace(/\b(HTTP \d{3}): .*$/s, "$1");
