import pRetry from "p-retry";
import type { BufferPool } from "../core/buffer-pool.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { Meter } from "../core/meter.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Sink } from "../core/sink.ts";
import type { BatchEncoder } from "./batch-encoder.ts";
import type { Gate } from "./gate.ts";
import type { Rejections } from "./rejections.ts";
import { recordAt, type Shipment, type Terminal } from "./shipment.ts";

export interface AttemptsOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly gate: Gate;
  readonly pool: BufferPool;
  readonly encoder: BatchEncoder;
  readonly rejections: Rejections;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly meter?: Meter | undefined;
  readonly giveUpAfterMs?: number | undefined;
}

/** Carries a failed attempt through p-retry, which knows failures only as exceptions. Never leaves this module. */
class AttemptFailed extends Error {
  override readonly name = "AttemptFailed";
  readonly outcome: Outcome & { kind: "retry" | "blocked" };

  constructor(outcome: Outcome & { kind: "retry" | "blocked" }) {
    super(outcome.reason);
    this.outcome = outcome;
  }
}

/** Failures in a row after which a batch is suspected, if others succeed meanwhile. */
const SUSPECT_AFTER = 10;

/** Deadlines in a row that came before all was sent, after which the body is halved. One may be a line that broke just then. */
const CUT_SHORT_AFTER = 2;

/** Tries a request of some records of a batch until that has a result which another attempt would not change. */
export class Attempts {
  readonly #options: AttemptsOptions;
  /** Requests that were delivered so far. */
  #successes = 0;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Attempts until the outcome is terminal. Undefined if `signal` aborted first. The body is given back to the pool. */
  async attempt(shipment: Shipment, from: number, to: number, body: Buffer): Promise<Terminal | undefined> {
    const { clock, encoder, gate, pool, sink } = this.#options;
    const { batch, signal } = shipment;
    const { bodyLastsMs = Number.POSITIVE_INFINITY } = sink;
    let current = body;
    let encodedMs = clock.elapsed();
    const row = { failures: 0, successesBefore: 0, cutShort: 0 };
    await gate.enter(signal);
    if (signal.aborted) return undefined;
    try {
      return await pRetry(
        async () => {
          if (clock.elapsed() - encodedMs > bodyLastsMs) {
            pool.give(current);
            current = encoder.encode(batch, from, to);
            encodedMs = clock.elapsed();
          }
          const outcome = await this.#attemptOnce(current, to - from, signal);
          if (outcome.kind !== "retry" && outcome.kind !== "blocked") return outcome;
          // What is blocked is held, however long that takes, and does not bring its end nearer.
          if (outcome.kind === "blocked") shipment.failingSinceMs = undefined;
          const end = outcome.kind === "retry" ? this.#giveUp(shipment, from, to, row, outcome) : undefined;
          if (end !== undefined) return end;
          throw new AttemptFailed(outcome);
        },
        {
          retries: Number.POSITIVE_INFINITY,
          // The back-off belongs to the sink's gate; p-retry's own would come on top of it.
          minTimeout: 0,
          signal,
          // Anything else that was thrown is a bug, and no attempt mends it.
          shouldRetry: ({ error }) => error instanceof AttemptFailed,
          onFailedAttempt: async ({ error }) => {
            if (!(error instanceof AttemptFailed)) return;
            await gate.enter(signal);
            if (error.outcome.kind === "blocked") await sink.refresh?.();
          },
        },
      );
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      // An attempt that was abandoned may still be reading it.
      if (!signal.aborted) pool.give(current);
    }
  }

  /**
   * Whether a request that failed again is not tried as it stands any more. Failing while others of the sink succeed, it is
   * halved, so that what is good in it gets through; and also if it is too large for a slow line. A single record is tried
   * for ever, unless the user has set a limit: a transient failure never condemns by itself.
   */
  #giveUp(
    shipment: Shipment,
    from: number,
    to: number,
    row: { failures: number; successesBefore: number; cutShort: number },
    { cutShort = false, reason }: Outcome & { kind: "retry" },
  ): Terminal | undefined {
    const { clock, emit, gate, giveUpAfterMs, name } = this.#options;
    shipment.failingSinceMs ??= clock.elapsed();
    if (giveUpAfterMs !== undefined && clock.elapsed() - shipment.failingSinceMs >= giveUpAfterMs) {
      return { kind: "gaveUp", reason: `gave up after ${Math.round(giveUpAfterMs / 1_000)} s: ${reason}` };
    }
    row.cutShort = cutShort ? row.cutShort + 1 : 0;
    if (row.cutShort >= CUT_SHORT_AFTER && to - from > 1) return { kind: "cutShort" };
    if (row.failures === 0) row.successesBefore = this.#successes;
    row.failures += 1;
    if (row.failures < SUSPECT_AFTER) return undefined;
    if (this.#successes === row.successesBefore) {
      // There may be no other to compare it with: another batch gets its place.
      shipment.stoodAside ||= gate.standAside();
      return undefined;
    }
    if (to - from > 1) return { kind: "suspect" };
    if (row.failures === SUSPECT_AFTER) {
      const { origin, offset } = recordAt(shipment.batch, from);
      emit({ kind: "sink.recordStuck", sink: name, path: origin.path, offset, failures: row.failures, reason });
    }
    return undefined;
  }

  async #attemptOnce(body: Buffer, records: number, signal: AbortSignal): Promise<Outcome> {
    const { clock, gate, meter, name, sink } = this.#options;
    const startedMs = clock.elapsed();
    const outcome = this.#suspectSetting(await sink.send(body, signal), records === 1);
    signal.throwIfAborted();
    const tookMs = clock.elapsed() - startedMs;
    gate.settle(outcome, tookMs);
    meter?.attempted({ sink: name, outcome: outcome.kind, tookMs, records, bytes: body.length });
    if (outcome.kind === "delivered" || outcome.kind === "received") this.#successes += 1;
    return outcome;
  }

  /**
   * When most records are refused, the refusal of one more says more about a setting than about that record: it blocks
   * until that is mended. A batch is narrowed first, for its good records may prove that the setting is fine.
   */
  #suspectSetting(outcome: Outcome, isSingle: boolean): Outcome {
    if (outcome.kind !== "rejected" || !isSingle || !this.#options.rejections.isMass) return outcome;
    return { kind: "blocked", reason: `massRejection: most of the last records were refused: ${outcome.reason}` };
  }
}
