import type { Attempt } from "../core/meter.ts";

/** What a metric is, for its users. Labels are names of the configuration and closed sets. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

/** Every outcome of an attempt. */
export const OUTCOMES = Object.keys({
  delivered: true,
  received: true,
  retry: true,
  tooLarge: true,
  rejected: true,
  blocked: true,
  ended: true,
} satisfies Record<Attempt["outcome"], true>);

/** Metrics that are counted as things happen: events, requests, reads. */
export const COUNTED = {
  build: {
    name: "tailcar_build_info",
    type: "gauge",
    labels: ["version", "node"],
    help: "1, with the versions",
  },
  events: {
    name: "tailcar_events_total",
    type: "counter",
    labels: ["event", "sink"],
    help: "Events, by their names in the log; sink is empty where an event is about none",
  },
  readBytes: {
    name: "tailcar_read_bytes_total",
    type: "counter",
    labels: ["source"],
    help: "Bytes read from the files; more than once where sinks are far apart",
  },
  readRecords: {
    name: "tailcar_read_records_total",
    type: "counter",
    labels: ["source"],
    help: "Records read that go on to the sinks",
  },
  filteredRecords: {
    name: "tailcar_filtered_records_total",
    type: "counter",
    labels: ["source"],
    help: "Records read that transforms left out",
  },
  requests: {
    name: "tailcar_sink_requests_total",
    type: "counter",
    labels: ["sink", "outcome"],
    help: "Attempts to deliver a request, by what came of them; each retry and blocked is followed by another",
  },
  seconds: {
    name: "tailcar_sink_request_duration_seconds",
    type: "histogram",
    labels: ["sink"],
    help: "Time that an attempt took",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  records: {
    name: "tailcar_sink_request_records",
    type: "histogram",
    labels: ["sink"],
    help: "Records of a request that was taken",
    buckets: [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
  },
  bytes: {
    name: "tailcar_sink_request_bytes",
    type: "histogram",
    labels: ["sink"],
    help: "Size of a request that was taken, before compression",
    buckets: [1e3, 1e4, 1e5, 2.5e5, 5e5, 1e6, 2.5e6, 5e6],
  },
  splitRecords: {
    name: "tailcar_sink_split_records_total",
    type: "counter",
    labels: ["sink"],
    help: "Records over the sink's limit that were split into parts",
  },
} as const satisfies Record<string, MetricDefinition & { readonly buckets?: readonly number[] }>;
