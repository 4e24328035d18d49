import type { LossCheckpoint } from "./checkpoint.ts";

/**
 * Everything noteworthy that happens in the agent. A stage says what happened, once; `telemetry` turns it into a log
 * line (and whatever else is derived from it), so that text and counter can't drift apart.
 */
export type AgentEvent =
  /** `file` is missing where flags are the configuration. */
  | {
      readonly kind: "agent.started";
      readonly version: string;
      readonly node: string;
      readonly file?: string | undefined;
      readonly stateDir: string;
      readonly sources: readonly string[];
      readonly sinks: readonly string[];
    }
  /** It can't run as it was told to, and ends. */
  | { readonly kind: "agent.failed"; readonly reason: string }
  | { readonly kind: "agent.state"; readonly state: string; readonly reason?: string }
  | { readonly kind: "file.found"; readonly path: string; readonly size: number }
  | { readonly kind: "file.rotated"; readonly path: string; readonly now: string }
  | { readonly kind: "file.deleted"; readonly path: string; readonly unreadBytes: number }
  /** `lostBytes` are those that no sink will get, of the one that is furthest; `copy` is where the generation goes on. */
  | {
      readonly kind: "file.truncated";
      readonly path: string;
      readonly size: number;
      readonly seen: number;
      readonly lostBytes: number;
      readonly copy?: string;
    }
  /** Several files hold the same content, which one of them is read for. */
  | {
      readonly kind: "file.ambiguous";
      readonly path: string;
      readonly chosen: string;
      readonly others: readonly string[];
    }
  /** An archive can't be read to its end. `missingBytes` is 0 where it can't be told. */
  | {
      readonly kind: "file.damaged";
      readonly path: string;
      readonly readableBytes: number;
      readonly missingBytes: number;
      readonly reason?: string;
    }
  /** NUL bytes that nobody wrote are skipped. */
  | { readonly kind: "file.hole"; readonly path: string; readonly bytes: number }
  /** A deleted file is let go although some sink has not got it, so that its space is free. */
  | {
      readonly kind: "file.heldReleased";
      readonly path: string;
      readonly heldBytes: number;
      readonly lostBytes: number;
      readonly reason: "maxHeldBytes" | "lowDisk";
    }
  /** Deleted by us, as `rotated.delete` wants it. */
  | { readonly kind: "file.removed"; readonly path: string; readonly bytes: number }
  | { readonly kind: "file.notRemoved"; readonly path: string; readonly reason: string }
  | { readonly kind: "file.released"; readonly path: string }
  | { readonly kind: "file.refused"; readonly path: string; readonly reason: string }
  | { readonly kind: "file.unreadable"; readonly path: string; readonly reason: string }
  | {
      readonly kind: "file.format";
      readonly path: string;
      readonly stream?: string | undefined;
      readonly format: string;
    }
  | {
      readonly kind: "file.starts";
      readonly path: string;
      readonly stream?: string | undefined;
      readonly shape: string;
    }
  | { readonly kind: "files.none"; readonly roots: readonly string[] }
  | { readonly kind: "watch.failed"; readonly reason: string }
  /** The pipe waits: full of what the sinks have not got, or the disk takes nothing. */
  | { readonly kind: "stdin.waiting"; readonly reason: string }
  | { readonly kind: "stdin.resumed" }
  /** What had been read from stdin could not be written to the disk until the end. */
  | { readonly kind: "stdin.lost"; readonly bytes: number; readonly reason: string }
  | { readonly kind: "data.lost"; readonly loss: LossCheckpoint }
  | ({ readonly kind: "sink.failing"; readonly sink: string } & SinkFailure)
  | ({ readonly kind: "sink.blocked"; readonly sink: string } & SinkFailure)
  | { readonly kind: "sink.warning"; readonly sink: string; readonly warning: string }
  | { readonly kind: "sink.recovered"; readonly sink: string; readonly outageMs: number }
  | { readonly kind: "sink.ended"; readonly sink: string; readonly reason: string }
  | { readonly kind: "sink.deadLettered"; readonly sink: string; readonly records: number; readonly reason: string }
  /** The receiver took records and then did not confirm that it has them. They are read and sent again. */
  | { readonly kind: "sink.unconfirmed"; readonly sink: string; readonly records: number }
  /** One record fails again and again while others of the sink get through: its file can't be finished. */
  | {
      readonly kind: "sink.recordStuck";
      readonly sink: string;
      readonly path: string;
      readonly offset: number;
      readonly failures: number;
      readonly reason: string;
    }
  /** Requests miss their deadline before they are sent whole: from now on a body has so many bytes at most. */
  | { readonly kind: "sink.slowLine"; readonly sink: string; readonly maxBytes: number }
  | { readonly kind: "sink.deadLettersStuck"; readonly sink: string; readonly reason: string }
  | { readonly kind: "sink.account"; readonly sink: string; readonly account: Readonly<Record<string, number>> }
  /** What a sink could not be given at the end went to the one of `shutdown.spillTo`. */
  | {
      readonly kind: "sink.spilled";
      readonly sink: string;
      readonly to: string;
      readonly spilledBytes: number;
      readonly spilledRecords: number;
    }
  | { readonly kind: "sink.undelivered"; readonly sink: string; readonly pendingBytes: number }
  | { readonly kind: "sink.unbalanced"; readonly sink: string; readonly path: string; readonly missingBytes: number }
  /** A sink is no longer in the configuration; what it had not got is given up. */
  | { readonly kind: "sink.abandoned"; readonly sink: string; readonly pendingBytes: number }
  /** `problems` are those that `tailcar check` prints, with their places. */
  | {
      readonly kind: "config.invalid";
      readonly file: string;
      readonly problems: readonly string[];
      readonly consequence: string;
    }
  | { readonly kind: "config.reloaded"; readonly file: string }
  | { readonly kind: "config.unchanged"; readonly file: string }
  | { readonly kind: "config.stateDirChanged"; readonly from: string; readonly to: string }
  | { readonly kind: "server.listening"; readonly address: string }
  | { readonly kind: "server.failed"; readonly address: string; readonly reason: string }
  | { readonly kind: "checkpoint.resumed"; readonly files: number; readonly cursors: number }
  | { readonly kind: "checkpoint.damaged"; readonly file: string; readonly line: number; readonly consequence: string }
  | { readonly kind: "checkpoint.failed"; readonly reason: string }
  | { readonly kind: "checkpoint.restored" };

interface SinkFailure {
  readonly reason: string;
  /** Until the next attempt, milliseconds. */
  readonly waitMs: number;
  /** Failures in a row for this reason, this one included. */
  readonly failures: number;
}

export type Emit = (event: AgentEvent) => void;
