import { withoutAnswer } from "../core/outcome.ts";
import type { AgentStatus, FilesStatus, GateStatus, SinkStatus } from "./status.ts";

/** Paths named in a list: there may be thousands of files. */
const MAX_LISTED = 100;

/** What the page of the status is made from. Times are monotonic and wall milliseconds. */
export interface StatusInput {
  readonly version: string;
  readonly status: AgentStatus | undefined;
  readonly config: ConfigStatus;
  /** Why it is not ready; empty if it is. */
  readonly notReady: readonly string[];
  readonly stalled: readonly string[];
  readonly elapsedMs: number;
  readonly nowMs: number;
}

/** The configuration file, and how it was last found. */
export interface ConfigStatus {
  readonly file: string | undefined;
  /** What is wrong with it as it stands; empty if nothing is. */
  readonly problems: readonly string[];
  /** When it was last taken up or refused, milliseconds since the Unix epoch; undefined if that never happened. */
  readonly at: number | undefined;
}

/** The page for people and scripts. It holds paths and reasons, and neither log content nor settings. */
export function describeStatus({ version, status, config, notReady, stalled, ...times }: StatusInput): unknown {
  const since = (elapsedMs: number): string => iso(times.nowMs - times.elapsedMs + elapsedMs);
  return {
    version,
    state: status?.state ?? "starting",
    ready: notReady.length === 0,
    notReady,
    stalled,
    config: { file: config.file, problems: config.problems, at: config.at === undefined ? undefined : iso(config.at) },
    ...(status && {
      stateDir: status.stateDir,
      checkpoints: {
        durable: status.checkpoints.failure === undefined,
        failure: status.checkpoints.failure,
        journalBytes: status.checkpoints.bytes,
      },
      memory: status.memory,
      files: describeFiles(status.files, status.isPolling),
      sinks: status.sinks.map((sink) => describeSink(sink, since)),
    }),
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

function describeFiles({ byState, openHandles, held, heldBytes, problems, formats }: FilesStatus, polling: boolean) {
  return {
    byState,
    open: openHandles,
    held,
    heldBytes,
    polling,
    problems: listed(problems, ([path, { kind, reason }]) => ({ path, event: kind, reason })),
    formats: listed(formats, ([path, format]) => ({ path, format })),
  };
}

/** The first of many, and how many there are. */
function listed<T>(items: Iterable<T>, describe: (item: T) => unknown) {
  const first: unknown[] = [];
  let count = 0;
  for (const item of items) {
    count += 1;
    if (first.length < MAX_LISTED) first.push(describe(item));
  }
  return { count, first };
}

function describeSink(sink: SinkStatus, since: (elapsedMs: number) => string) {
  const { name, type, gate, account, inFlight, bufferedBytes, succeededAtMs, ended } = sink;
  return {
    name,
    type,
    gate: describeGate(gate, since),
    ended,
    inFlight,
    bufferedBytes,
    pendingBytes: account.pendingBytes,
    lastSuccess: succeededAtMs === undefined ? undefined : since(succeededAtMs),
    account,
  };
}

function describeGate(gate: GateStatus, since: (elapsedMs: number) => string) {
  if (gate.kind === "closed") return { state: gate.kind };
  const { kind, reason, sinceMs, count } = gate.failure;
  return {
    state: gate.kind,
    blocked: kind === "blocked",
    reason: withoutAnswer(reason),
    since: since(sinceMs),
    attempts: count,
    nextAttempt: gate.kind === "open" ? since(gate.untilMs) : undefined,
  };
}
