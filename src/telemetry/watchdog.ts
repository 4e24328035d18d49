import type { AgentStatus, SinkStatus } from "./status.ts";

/**
 * So long may work that nothing holds up make no progress. Longer than every deadline of a request by far, so that a receiver that
 * does not answer is a failing one long before.
 */
const STALLED_MS = 5 * 60_000;

/** Where a sink was when its progress was last noticed. */
interface Mark {
  readonly isBusy: boolean;
  readonly settledBytes: number;
  readonly succeededAtMs: number | undefined;
  readonly sinceMs: number;
}

/**
 * Health by progress: tells what stands still although nothing holds it up. It has no timer; progress between two looks shows
 * in what has changed.
 */
export class Watchdog {
  readonly #marks = new Map<string, Mark>();

  /** What stands still, in words. */
  look(status: AgentStatus, nowMs: number): readonly string[] {
    const stalled = status.sinks.flatMap((sink) => {
      const ms = this.#stalledMs(sink, nowMs);
      return ms < STALLED_MS
        ? []
        : [`${sink.name} has got nowhere for ${Math.round(ms / 1_000)} s, and is not failing`];
    });
    const { lookedAtMs, state } = status;
    if (state !== "running" || lookedAtMs === undefined || nowMs - lookedAtMs < STALLED_MS) return stalled;
    return [...stalled, `the files have not been looked at for ${Math.round((nowMs - lookedAtMs) / 1_000)} s`];
  }

  #stalledMs({ name, account, isBusy, succeededAtMs }: SinkStatus, nowMs: number): number {
    const settledBytes = account.totalBytes - account.pendingBytes;
    const mark = this.#marks.get(name);
    const isSame = mark?.settledBytes === settledBytes && mark.succeededAtMs === succeededAtMs;
    if (isBusy && mark?.isBusy === true && isSame) return nowMs - mark.sinceMs;
    this.#marks.set(name, { isBusy, settledBytes, succeededAtMs, sinceMs: nowMs });
    return 0;
  }
}
