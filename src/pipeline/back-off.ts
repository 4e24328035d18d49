/** Why a sink is failing, since when, and for how many attempts. */
export interface Failure {
  readonly kind: "retry" | "blocked";
  readonly reason: string;
  /** Monotonic time of the first failure, milliseconds. */
  readonly sinceMs: number;
  readonly count: number;
}

const BASE_MS = 500;
const MAX_MS = 30_000;
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** A wait is at most this part of the outage so far, so that an outage is over for us soon after its end. */
const OUTAGE_PART = 1 / 5;

/** The first wait of a blocked sink. It takes a person to mend it, so the probes are slow. */
const BLOCKED_BASE_MS = 2_000;

/**
 * How long to wait before the next attempt: full jitter up to the smallest of 30 s, 0.5 s doubled with each failure, and
 * a fifth of the outage so far (at least 0.5 s). The vendor's own wish wins, up to 5 minutes. `random` is in [0, 1).
 */
export function backOffMs(failure: Failure, nowMs: number, random: number, retryAfterMs?: number): number {
  // A wish for no wait at all is none: it would make a hot loop of an outage.
  if (retryAfterMs !== undefined && retryAfterMs > 0) return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
  const outage = Math.max((nowMs - failure.sinceMs) * OUTAGE_PART, BASE_MS);
  return random * Math.min(MAX_MS, BASE_MS * 2 ** Math.min(failure.count, 16), outage);
}

/** How long a blocked sink waits before it probes again: 1 to 2 s at first, 15 to 30 s in the end. */
export function blockedMs(count: number, random: number): number {
  return Math.min(MAX_MS, BLOCKED_BASE_MS * 2 ** (Math.min(count, 16) - 1)) * (0.5 + random / 2);
}
