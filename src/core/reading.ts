import type { Position } from "./checkpoint.ts";
import type { Segment } from "./segment.ts";

/**
 * The life of one generation of a log file:
 * - `live`: its path leads to it.
 * - `rotated`: renamed, deleted or copied away. Writers may still hold it, so it is watched for the grace period.
 * - `final`: the grace is over; it can grow no more, and what stands after its last line feed is a line.
 * - `released`: every sink has it all; its handle is closed.
 * - `gone`: its bytes are out of reach (truncated, or vanished while closed). What no sink has read is lost.
 */
export type FileState = "live" | "rotated" | "final" | "released" | "gone";

/** One generation of a log file, as the sinks see it. */
export interface FollowedFile {
  readonly id: number;
  /** The live path whose generations are read oldest first; for a file that was never rotated its own path. */
  readonly stream: string;
  /** When its content began, nanoseconds since the epoch: generations are read in this order. */
  readonly born: bigint;
  /** Where it is now. */
  readonly path: string;
  readonly state: FileState;
  /** No path leads to it any more; only the open handle keeps its bytes. */
  readonly deleted: boolean;
  /** Highest size seen, bytes. */
  readonly size: number;
  /** Set if the bytes from here to `size` are out of reach: the file goes on in a copy that is shorter than it was. */
  readonly missingFrom: number | undefined;
  /** The end of the NUL bytes at its beginning that nobody wrote. They are skipped. */
  readonly hole?: Position | undefined;
  /** Why its bytes are out of reach, if there is more to say than that they are. */
  readonly lossReason?: string | undefined;
  /** Whether more bytes may still come. */
  readonly canGrow: boolean;
  /** It is not where it was, and is being looked for: what is younger waits for what comes of that. */
  readonly isSought?: boolean;
}

export type ReadResult =
  /** The caller holds the segment and must release it. */
  | { readonly kind: "segment"; readonly segment: Segment }
  /**
   * No whole record stands after the position. `wholeAtMs`: lines stand there whose record may go on; from this monotonic
   * time on, if the file has not grown, it is taken to be whole.
   */
  | { readonly kind: "atEnd"; readonly wholeAtMs?: number | undefined }
  /** The bytes before the position are not those that were read: truncated and written anew. */
  | { readonly kind: "changed" }
  /** It could not be read now. The reason was reported. */
  | { readonly kind: "unreadable" };

/** The read side, as the send side sees it: it is asked, and never pushes. */
export interface RecordReader<File extends FollowedFile = FollowedFile> {
  /**
   * Reads from a position to the next border, or to the last whole record. With `flush`, records that may go on in further
   * lines are whole; with `final`, that and what stands after the last line feed is a line too. Sinks that ask for the
   * same place at the same time share one read.
   */
  read(file: File, position: Position, final: boolean, flush?: boolean): Promise<ReadResult>;

  /**
   * Reads once more what was read between two positions: the same records, whatever follows them in the file by now.
   * `changed` if other bytes stand there.
   */
  readAgain(file: File, from: Position, to: Position): Promise<ReadResult>;
}
