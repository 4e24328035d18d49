import type { Counters } from "../core/checkpoint.ts";

/** How an agent is at a moment. Times are monotonic milliseconds; sizes are bytes. */
export interface AgentStatus {
  readonly state: "starting" | "running" | "draining" | "stopped" | "failed";
  readonly stateDir: string;
  /** When all the files were last looked at, or some of them; undefined before the first look has ended. */
  readonly lookedAtMs: number | undefined;
  /** Hints of changes may be missing, so the files are looked at regularly. */
  readonly isPolling: boolean;
  readonly sinks: readonly SinkStatus[];
  readonly files: FilesStatus;
  readonly checkpoints: {
    /** Why they are not durable; undefined if they are. */
    readonly failure?: string | undefined;
    readonly failures: number;
    readonly bytes: number;
  };
  readonly memory: { readonly bufferedBytes: number; readonly maxBufferedBytes: number };
}

export interface AccountStatus extends Readonly<Counters> {
  readonly files: number;
  readonly totalBytes: number;
  readonly pendingBytes: number;
  readonly imbalanceBytes: number;
}

export interface SinkStatus {
  readonly name: string;
  readonly type: string;
  readonly gate: GateStatus;
  readonly account: AccountStatus;
  /** What its account held when the agent began. */
  readonly before: Readonly<Counters>;
  readonly inFlight: number;
  readonly bufferedBytes: number;
  /** Whether it has something to do that should get on. */
  readonly isBusy: boolean;
  readonly succeededAtMs: number | undefined;
  /** The receiver has gone for good. */
  readonly ended: boolean;
}

export type GateStatus =
  | { readonly kind: "closed" }
  | {
      readonly kind: "open" | "probing";
      readonly failure: {
        readonly kind: "retry" | "blocked";
        readonly reason: string;
        readonly sinceMs: number;
        readonly count: number;
      };
      readonly untilMs: number;
    };

/** The states of a file in its life. */
export const FILE_STATES = ["live", "rotated", "final", "released", "gone"] as const;

export interface FilesStatus {
  readonly byState: Readonly<Record<(typeof FILE_STATES)[number], number>>;
  readonly openHandles: number;
  /** Deleted by the application, and kept open because some sink has not got them. */
  readonly held: number;
  readonly heldBytes: number;
  /** Paths with something wrong about them. */
  readonly problems: Iterable<readonly [path: string, PathProblem]>;
  /** What `auto` decided. */
  readonly formats: Iterable<readonly [path: string, format: string]>;
}

export interface PathProblem {
  readonly kind: "file.refused" | "file.unreadable" | "file.notRemoved";
  readonly reason: string;
}
