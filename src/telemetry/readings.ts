/*
 * A long file: the table of all that is read when somebody asks for metrics.
 */
import type { Counters } from "../core/checkpoint.ts";
import type { MetricDefinition } from "./counted.ts";
import { type AgentStatus, FILE_STATES, type SinkStatus } from "./status.ts";

/** What metrics are read from when somebody asks for them. */
export interface Reading {
  /** Undefined before the first agent is there. */
  readonly status: AgentStatus | undefined;
  /** Of each sink since the process began. */
  readonly totals: ReadonlyMap<string, Readonly<Counters>>;
  /** Monotonic and wall time, milliseconds. */
  readonly elapsedMs: number;
  readonly nowMs: number;
  readonly droppedLogLines: number;
  /** Whether the configuration file is invalid as it stands. */
  readonly isConfigInvalid: boolean;
  readonly process: ProcessReading;
}

export interface ProcessReading {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  /** Seconds since the Unix epoch. */
  readonly startedAt: number;
}

type Labels = Readonly<Record<string, string>>;
type Value = readonly [labels: Labels, value: number];

/** A metric whose values are read, not counted. A counter's never fall while the process lives. */
export interface ReadMetric extends MetricDefinition {
  readonly type: "gauge" | "counter";
  readonly values: (reading: Reading) => readonly Value[];
}

const one = (value: number): readonly Value[] => [[{}, value]];

type OfSink = (sink: SinkStatus, reading: Reading) => number;

const perSink =
  (value: OfSink) =>
  (reading: Reading): readonly Value[] =>
    (reading.status?.sinks ?? []).map((sink) => [{ sink: sink.name }, value(sink, reading)]);

const sinkGauge = (name: string, help: string, value: OfSink): ReadMetric => ({
  name: `tailcar_sink_${name}`,
  help,
  type: "gauge",
  labels: ["sink"],
  values: perSink(value),
});

const accountGauge = <Part extends string>(
  unit: string,
  help: string,
  parts: readonly Part[],
  value: (account: SinkStatus["account"], part: Part) => number,
): ReadMetric => ({
  name: `tailcar_sink_account_${unit}`,
  help,
  type: "gauge",
  labels: ["sink", "part"],
  values: ({ status }) =>
    (status?.sinks ?? []).flatMap(({ name, account }) =>
      parts.map((part): Value => [{ sink: name, part }, value(account, part)]),
    ),
});

const sinkCounter = (name: string, help: string, part: keyof Counters): ReadMetric => ({
  name: `tailcar_sink_${name}_total`,
  help,
  type: "counter",
  labels: ["sink"],
  values: perSink(({ name: sink }, { totals }) => totals.get(sink)?.[part] ?? 0),
});

const gauge = (name: string, help: string, value: (status: AgentStatus) => number): ReadMetric => ({
  name: `tailcar_${name}`,
  help,
  type: "gauge",
  labels: [],
  values: ({ status }) => (status === undefined ? [] : one(value(status))),
});

/** One of several: 1 for that which is, 0 for the others. */
const stateSet = (
  label: string,
  states: readonly string[],
  present: string | undefined,
  labels = {},
): readonly Value[] => states.map((state) => [{ ...labels, [label]: state }, Number(state === present)]);

const BYTE_PARTS = [
  "delivered",
  "filtered",
  "deadLettered",
  "lost",
  "skipped",
  "pending",
  "spilled",
  "abandoned",
] as const;
const RECORD_PARTS = ["delivered", "deadLettered", "spilled", "late", "resent"] as const;
const AGENT_STATES = ["starting", "running", "draining", "stopped", "failed"];
const GATE_STATES = ["closed", "open", "probing"];
const PROBLEMS = ["file.refused", "file.unreadable", "file.notRemoved"];

const agentMetrics: readonly ReadMetric[] = [
  {
    name: "tailcar_agent_state",
    help: "1 for the agent's state, 0 for the others",
    type: "gauge",
    labels: ["state"],
    values: ({ status }) => stateSet("state", AGENT_STATES, status?.state ?? "starting"),
  },
  {
    name: "tailcar_config_invalid",
    help: "1 while the configuration file is invalid as it stands, and the one before goes on",
    type: "gauge",
    labels: [],
    values: ({ isConfigInvalid }) => one(Number(isConfigInvalid)),
  },
  gauge("checkpoints_durable", "1 if the cursors can be made durable, 0 while they can't", ({ checkpoints }) =>
    Number(checkpoints.failure === undefined),
  ),
  {
    name: "tailcar_checkpoint_failures_total",
    help: "Attempts to make cursors durable that failed",
    type: "counter",
    labels: [],
    values: ({ status }) => one(status?.checkpoints.failures ?? 0),
  },
  gauge("checkpoint_journal_bytes", "Size of the journal of cursors on disk", ({ checkpoints }) => checkpoints.bytes),
  gauge("memory_buffered_bytes", "What all sinks together hold in batches", ({ memory }) => memory.bufferedBytes),
  gauge("memory_buffered_limit_bytes", "Its bound: memory.maxBuffered", ({ memory }) => memory.maxBufferedBytes),
  {
    name: "tailcar_log_dropped_lines_total",
    help: "Lines of tailcar's own log that nobody took from stderr",
    type: "counter",
    labels: [],
    values: ({ droppedLogLines }) => one(droppedLogLines),
  },
];

const fileMetrics: readonly ReadMetric[] = [
  {
    name: "tailcar_files",
    help: "Followed files by their state",
    type: "gauge",
    labels: ["state"],
    values: ({ status }) =>
      status === undefined ? [] : FILE_STATES.map((state) => [{ state }, status.files.byState[state]]),
  },
  gauge("files_open", "Followed files that are open", ({ files }) => files.openHandles),
  gauge("files_held", "Deleted files that are held open because some sink has not got them", ({ files }) => files.held),
  gauge("files_held_bytes", "Disk space that deleted files keep from being freed", ({ files }) => files.heldBytes),
  {
    name: "tailcar_path_problems",
    help: "Paths with something wrong about them at present, by the event that told of it",
    type: "gauge",
    labels: ["problem"],
    values: ({ status }) => (status === undefined ? [] : problemCounts(status)),
  },
  gauge("watch_polling", "1 while hints of changes may be missing, and files are polled", ({ isPolling }) =>
    Number(isPolling),
  ),
  {
    name: "tailcar_last_look_age_seconds",
    help: "Time since files were last looked at",
    type: "gauge",
    labels: [],
    values: ({ status, elapsedMs }) =>
      status?.lookedAtMs === undefined ? [] : one((elapsedMs - status.lookedAtMs) / 1_000),
  },
];

function problemCounts({ files }: AgentStatus): readonly Value[] {
  const counts = new Map(PROBLEMS.map((problem) => [problem, 0]));
  for (const [, { kind }] of files.problems) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([problem, count]) => [{ problem }, count]);
}

const isBlocked = ({ gate }: SinkStatus): boolean => gate.kind !== "closed" && gate.failure.kind === "blocked";

const sinkMetrics: readonly ReadMetric[] = [
  {
    name: "tailcar_sink_gate",
    help: "1 for the state of the sink's gate: closed (all is well), open (waits after a failure), probing (one attempt)",
    type: "gauge",
    labels: ["sink", "state"],
    values: ({ status }) =>
      (status?.sinks ?? []).flatMap(({ name, gate }) => stateSet("state", GATE_STATES, gate.kind, { sink: name })),
  },
  sinkGauge("blocked", "1 while the sink is blocked by what a person must put right", (sink) =>
    Number(isBlocked(sink)),
  ),
  sinkGauge("failing_seconds", "How long the sink has been failing or blocked; 0 if it is not", ({ gate }, reading) =>
    gate.kind === "closed" ? 0 : (reading.elapsedMs - gate.failure.sinceMs) / 1_000,
  ),
  {
    name: "tailcar_sink_last_success_timestamp_seconds",
    help: "When the receiver last took a request; absent before the first",
    type: "gauge",
    labels: ["sink"],
    values: ({ status, elapsedMs, nowMs }) =>
      (status?.sinks ?? []).flatMap(({ name, succeededAtMs }) =>
        succeededAtMs === undefined ? [] : [[{ sink: name }, (nowMs - elapsedMs + succeededAtMs) / 1_000]],
      ),
  },
  sinkGauge(
    "requests_in_flight",
    "Requests that are being filled, are under way, or wait for another attempt",
    (sink) => sink.inFlight,
  ),
  sinkGauge("buffered_bytes", "What the sink holds in batches", (sink) => sink.bufferedBytes),
  accountGauge(
    "bytes",
    "The durable account: what became of all bytes since the sink's first cursor; the parts add up to all",
    BYTE_PARTS,
    (account, part) => account[`${part}Bytes`],
  ),
  accountGauge("records", "Records of the durable account", RECORD_PARTS, (account, part) => account[`${part}Records`]),
  sinkGauge(
    "account_imbalance_bytes",
    "Bytes that are in no part of the account, or in two: not 0 is a bug",
    (sink) => sink.account.imbalanceBytes,
  ),
  sinkCounter("delivered_bytes", "Bytes of log that the receiver has got", "deliveredBytes"),
  sinkCounter("delivered_records", "Records that the receiver has got", "deliveredRecords"),
  sinkCounter("filtered_bytes", "Bytes of blank lines, and of what transforms left out", "filteredBytes"),
  sinkCounter("dead_lettered_bytes", "Bytes of records that were refused for good", "deadLetteredBytes"),
  sinkCounter(
    "dead_lettered_records",
    "Records that were refused for good, and kept for replay",
    "deadLetteredRecords",
  ),
  sinkCounter("lost_bytes", "Bytes that were out of reach before the sink had them", "lostBytes"),
  sinkCounter("skipped_bytes", "Bytes before a first cursor, and holes that nobody wrote", "skippedBytes"),
  sinkCounter("spilled_bytes", "Bytes that went to the sink of shutdown.spillTo", "spilledBytes"),
  sinkCounter("spilled_records", "Records that went to the sink of shutdown.spillTo", "spilledRecords"),
  sinkCounter(
    "late_records",
    "Delivered records that went with the time of sending, their own being too far off",
    "lateRecords",
  ),
  sinkCounter(
    "resent_records",
    "Unfinished last lines that were sent at a stop, and again when they were complete",
    "resentRecords",
  ),
];

const processMetrics: readonly ReadMetric[] = [
  {
    name: "process_resident_memory_bytes",
    help: "Resident memory",
    type: "gauge",
    labels: [],
    values: ({ process }) => one(process.residentBytes),
  },
  {
    name: "process_cpu_seconds_total",
    help: "Processor time, user and system",
    type: "counter",
    labels: [],
    values: ({ process }) => one(process.cpuSeconds),
  },
  {
    name: "process_start_time_seconds",
    help: "When the process began, seconds since the Unix epoch",
    type: "gauge",
    labels: [],
    values: ({ process }) => one(process.startedAt),
  },
];

export const READ_METRICS: readonly ReadMetric[] = [...agentMetrics, ...fileMetrics, ...sinkMetrics, ...processMetrics];
