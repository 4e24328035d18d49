import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { Sink } from "../core/sink.ts";
import { Gate } from "./gate.ts";

export interface ReportedGateOptions {
  readonly name: string;
  readonly concurrency: Sink["concurrency"];
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
}

/** The gate of a sink that tells of its failures, each with how often in a row it was that one, and of its recovery. */
export function createReportedGate({ name, concurrency, clock, random, emit }: ReportedGateOptions): Gate {
  let latest = { reason: "", count: 0 };
  return new Gate({
    concurrency,
    clock,
    random,
    onFailing: ({ kind, reason }, waitMs) => {
      latest = { reason, count: reason === latest.reason ? latest.count + 1 : 1 };
      emit({
        kind: kind === "blocked" ? "sink.blocked" : "sink.failing",
        sink: name,
        reason,
        waitMs: Math.round(waitMs),
        failures: latest.count,
      });
    },
    onRecovered: (outageMs) => {
      latest = { reason: "", count: 0 };
      emit({ kind: "sink.recovered", sink: name, outageMs });
    },
  });
}
