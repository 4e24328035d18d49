/** Hash of the first bytes of a file: 1,024 of them, or as many as there were. It grows with a small file. */
export interface Fingerprint {
  /** Offset of the first byte, if that is not the file's: bytes that nobody wrote stand before it. */
  readonly from?: number;
  readonly length: number;
  readonly hash: string;
}

/** Who a file is, whatever its name. A path is only where it was last seen. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** Birth time in nanoseconds since the epoch; 0 where the file system keeps none. */
  readonly birthtimeNs: bigint;
  readonly head: Fingerprint;
}

/** What `auto` decided about the lines of a file, once it has. */
export interface Decisions {
  readonly format?: string | undefined;
  /** The shape with which records begin; empty if there is none. */
  readonly starts?: string | undefined;
}

/** A file as the journal remembers it. */
export interface FileCheckpoint {
  /** Number of this generation in this state directory, never used again. Older generations of a path have lower ones. */
  readonly id: number;
  readonly source: string;
  /** The path it was discovered under: what `include` matched. */
  readonly origin: string;
  /** The live path it is a generation of; generations of one stream are read oldest first. */
  readonly stream: string;
  /** Where it was last seen. */
  readonly path: string;
  /** Where it really is, if the path leads there through a link. */
  readonly target?: string;
  readonly identity: FileIdentity;
  /** Highest size seen, bytes. */
  readonly size: number;
  /** When its content began, nanoseconds since the epoch: generations are read in this order. */
  readonly born: bigint;
  /** Since when its stream has been followed, milliseconds since the epoch: what was rotated away before is none of ours. */
  readonly followedSince: number;
  /** The path no longer leads to it: renamed, deleted or replaced. It is read to its end and grows no more in the long run. */
  readonly rotated: boolean;
  /** What `auto` decided, once it has. */
  readonly format?: string | undefined;
  readonly starts?: string | undefined;
  /** The same of the streams within a container's file, by their names. */
  readonly streams?: Readonly<Record<string, Decisions>> | undefined;
}

/** The partition of a file's bytes for one sink, and the records they held. `pending` follows from the cursor. */
export interface Counters {
  deliveredBytes: number;
  deliveredRecords: number;
  filteredBytes: number;
  deadLetteredBytes: number;
  deadLetteredRecords: number;
  lostBytes: number;
  /** Bytes that nobody wanted: before a first cursor that `startAt` or `ignoreOlder` put elsewhere, and holes. */
  skippedBytes: number;
  /** What was left at a shutdown, and went to the sink of `shutdown.spillTo` instead. */
  spilledBytes: number;
  spilledRecords: number;
  /** What a sink had not got when it was taken out of the configuration. */
  abandonedBytes: number;
  /** Delivered records whose time the receiver would not have taken: they went with the time of sending. Not part of the partition. */
  lateRecords: number;
  /** Records sent again on purpose: a partial last line that was completed later. Not part of the partition. */
  resentRecords: number;
}

/** A position in a file with the proof of what stood before it. */
export interface Position {
  readonly offset: number;
  /** CRC-32 of all bytes before `offset`. */
  readonly crc: number;
  /** CRC-32 of the last bytes before `offset`, up to 64: the tail marker. */
  readonly tail: number;
}

/** A durable cursor: how far one sink has got in one file. */
export interface CursorCheckpoint {
  readonly sink: string;
  readonly file: number;
  /** Where the account of this sink and file begins: 0, or in older journals its first cursor. */
  readonly first: number;
  readonly position: Position;
  readonly counters: Readonly<Counters>;
  /** A last line without its end that was sent at shutdown, starting at the cursor. */
  readonly partial?: PartialLine | undefined;
}

/** A last line without its end, told again by its length (bytes) and its CRC-32. */
export interface PartialLine {
  readonly length: number;
  readonly crc: number;
  /** Set if it was not sent, because it was filtered. */
  readonly filtered?: true;
}

/** Bytes that a sink will never get. */
export interface LossCheckpoint {
  readonly sink: string;
  readonly file: number;
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** Bytes of the range that are lost, where it is not all of them. */
  readonly bytes?: number | undefined;
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Set on the one entry that stands for this many older ones of the sink, which were too many to be kept. */
  readonly rolledUp?: number | undefined;
}

/** A live path whose files are all forgotten. What is rotated from it while no agent runs is still searched for. */
export interface StreamCheckpoint {
  readonly path: string;
  /** Files that were born since then are generations of it; milliseconds since the Unix epoch. */
  readonly followedSince: number;
}

/** Live paths without a file that are remembered, at most: the newest, for a path that had a file is likely to get another. */
export const MAX_EMPTY_STREAMS = 1_000;

/** One change of the durable state. Changes are absolute, so a repeated or a skipped one does no harm but duplicates. */
export type CheckpointChange =
  | { readonly kind: "file"; readonly file: FileCheckpoint }
  | { readonly kind: "cursor"; readonly cursor: CursorCheckpoint }
  | { readonly kind: "loss"; readonly loss: LossCheckpoint }
  /** What the forgotten files of a sink add to its account. Absolute, and recorded with the `forget` it belongs to. */
  | { readonly kind: "totals"; readonly sink: string; readonly counters: Readonly<Counters> }
  | { readonly kind: "forget"; readonly file: number }
  | { readonly kind: "stream"; readonly stream: StreamCheckpoint }
  /** The sink is no longer in the configuration: its cursors go, and its `totals` stay. */
  | { readonly kind: "abandon"; readonly sink: string }
  /** The highest file id ever given, so that none is given again when its file is forgotten. */
  | { readonly kind: "highestId"; readonly id: number };

/** How the store itself does. */
export interface StoreHealth {
  /** Why changes can't be made durable at present. */
  readonly failure?: string | undefined;
  /** Attempts to make changes durable that failed, in this process. */
  readonly failures: number;
  /** Bytes on disk. */
  readonly bytes: number;
}

/**
 * The durable memory of the agent. `record` only remembers the change; `flush` makes all changes remembered so far
 * durable as one entry: after a crash either all of them are there or none.
 */
export interface CheckpointStore {
  /** Whether an earlier run left anything behind, even if it is damaged: then unknown files are read from their beginning. */
  readonly resumed: boolean;
  /** Whether something of what the earlier run left was damaged: cursors may be missing then. */
  readonly damaged: boolean;
  readonly files: ReadonlyMap<number, FileCheckpoint>;
  /** Cursors by sink, then by file. */
  readonly cursors: ReadonlyMap<string, ReadonlyMap<number, CursorCheckpoint>>;
  /** Live paths whose files are all forgotten; of those that have files again since then, the files tell. */
  readonly streams: ReadonlyMap<string, StreamCheckpoint>;
  /** Per sink the sum of the counters of files that were forgotten. */
  readonly totals: ReadonlyMap<string, Readonly<Counters>>;
  readonly losses: readonly LossCheckpoint[];
  readonly health: StoreHealth;
  nextFileId(): number;
  record(change: CheckpointChange): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}
