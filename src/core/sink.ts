import type { Writable } from "node:stream";
import type { Clock } from "./clock.ts";
import type { Outcome } from "./outcome.ts";
import type { LogRecord } from "./record.ts";

/** The vendor's limits and the user's wishes on one request. Bytes are those of the encoded body before compression. */
export interface BatchLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** One encoded record may not be larger; a larger one is split into marked parts. */
  readonly maxRecordBytes: number;
  /** An incomplete batch is sent when its first record has waited this long. */
  readonly maxAgeMs: number;
}

/**
 * Receives the body of a request piece by piece, as text that becomes UTF-8. `head` and `tail` are texts of the sink's own
 * around a record's; those that are the same string as for the record before cost next to nothing.
 */
export interface BodyWriter {
  /** A text of the sink's own making, or one that it has escaped. */
  text(text: string): void;
  /** The record's text as a JSON string: escaped, in quotes. */
  quoted(head: string, record: LogRecord, tail: string): void;
  /** The record's text as it stands. In a JSON body only for a record whose text was validated as one JSON object. */
  verbatim(head: string, record: LogRecord, tail: string): void;
}

/** A destination. One instance serves one pipeline. */
export interface Sink {
  /** What a person should be told at each start: a setting that is allowed, but dangerous. */
  readonly warnings?: readonly string[] | undefined;
  readonly limits: BatchLimits;
  /** Upper and lower bound of the requests in flight at the same time. */
  readonly concurrency: { readonly min: number; readonly max: number };
  /**
   * Encodes records in the sink's wire format. Without other effects: the same records can be encoded again, whole or in
   * halves. Text from the log enters the body only as an escaped string, or after the whole of it was validated as a JSON
   * object. `body` is for this call only.
   */
  encode(records: readonly LogRecord[], body: BodyWriter): void;
  /**
   * Makes one attempt, with deadlines of its own, and never throws for an expected failure. Called again for the same
   * body on `retry`. `signal` abandons the attempt: its outcome is then ignored. The buffer is used again once the
   * attempt has ended, so nothing may keep it.
   */
  send(body: Buffer, signal: AbortSignal): Promise<Outcome>;
  /** Called while the sink is blocked, before the next probe: read secrets and certificates anew. */
  refresh?(): Promise<void>;
  /**
   * Whether the receiver would not take the record's own time, so that it goes with another. Such records are counted.
   * `nowMs` is the time, milliseconds since the epoch.
   */
  readonly isLate?: ((record: LogRecord, nowMs: number) => boolean) | undefined;
  /** A body that is older is encoded anew before it is sent again, for what it says depends on the time. Milliseconds. */
  readonly bodyLastsMs?: number | undefined;
  /** Releases sockets. No call follows. */
  close(): Promise<void>;
}

/** Who the records are about: the same for every record of this agent. */
export interface Resource {
  readonly service?: string | undefined;
  readonly env?: string | undefined;
  readonly version?: string | undefined;
  readonly host: string;
  /** Further resource attributes of the configuration, by name. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What a sink gets from the outside world. */
export interface SinkContext {
  /** The sink's name in the configuration. */
  readonly name: string;
  readonly resource: Resource;
  readonly clock: Clock;
  readonly stdout: Writable;
  /** The environment, for the variables that name proxies. Without it none is used. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Version of tailcar, for the User-Agent. */
  readonly version: string;
}
