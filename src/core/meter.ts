import type { Outcome } from "./outcome.ts";

/** One attempt to deliver a request. */
export interface Attempt {
  readonly sink: string;
  readonly outcome: Outcome["kind"];
  readonly tookMs: number;
  readonly records: number;
  /** Bytes of the body before compression. */
  readonly bytes: number;
}

/** What a read brought: a piece of a file. */
export interface ReadPiece {
  readonly source: string;
  readonly bytes: number;
  /** Those that go on to the sinks. */
  readonly records: number;
  /** Those that the transforms left out. */
  readonly filteredRecords: number;
}

/**
 * Counts what is too frequent to be an event. It is told of requests and of pieces of files, never of single records, and an
 * agent that nobody asks for numbers has none.
 */
export interface Meter {
  attempted(attempt: Attempt): void;
  /** What falls out of the cache before every sink has it is read, and counted, again. */
  read(piece: ReadPiece): void;
  /** A record that was over the sink's limit was split into parts. */
  split(sink: string): void;
}
