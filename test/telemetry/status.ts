import { noCounters } from "../../src/pipeline/counters.ts";
import type { AgentStatus, GateStatus, SinkStatus } from "../../src/telemetry/status.ts";

const NOTHING = noCounters();

export type Counts = Partial<typeof NOTHING>;

export interface SinkWish extends Partial<Omit<SinkStatus, "account" | "before">> {
  readonly account?: Counts & { readonly totalBytes?: number; readonly pendingBytes?: number };
  readonly before?: Counts;
}

export function sinkStatus({ account, before, ...rest }: SinkWish = {}): SinkStatus {
  return {
    name: "datadog",
    type: "datadog",
    gate: { kind: "closed" },
    inFlight: 0,
    bufferedBytes: 0,
    isBusy: false,
    succeededAtMs: undefined,
    ended: false,
    ...rest,
    account: { ...NOTHING, files: 1, totalBytes: 0, pendingBytes: 0, imbalanceBytes: 0, ...account },
    before: { ...NOTHING, ...before },
  };
}

export function agentStatus(wish: Partial<AgentStatus> = {}): AgentStatus {
  return {
    state: "running",
    stateDir: "/state",
    lookedAtMs: 0,
    isPolling: false,
    sinks: [sinkStatus()],
    files: {
      byState: { live: 1, rotated: 0, final: 0, released: 0, gone: 0 },
      openHandles: 1,
      held: 0,
      heldBytes: 0,
      problems: [],
      formats: [],
    },
    checkpoints: { failures: 0, bytes: 100 },
    memory: { bufferedBytes: 0, maxBufferedBytes: 1_000 },
    ...wish,
  };
}

export const failing = (
  reason: string,
  kind: "retry" | "blocked" = "retry",
  state: "open" | "probing" = "open",
): GateStatus => ({
  kind: state,
  failure: { kind, reason, sinceMs: 1_000, count: 3 },
  untilMs: 4_000,
});
