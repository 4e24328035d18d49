/*
 * A long file: a followed file has many sides, and each is a few lines.
 */
import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Decisions, FileCheckpoint, FileIdentity, Position } from "../core/checkpoint.ts";
import type { FormatSetting } from "../core/format.ts";
import type { MultilineSetting } from "../core/multiline.ts";
import type { FileState, FollowedFile } from "../core/reading.ts";
import type { RecordOrigin } from "../core/record.ts";
import type { Archive, ByteSource, Compression } from "./archive.ts";
import type { Opened } from "./confinement.ts";
import { readInto } from "./identity.ts";

/** What became of files that were renamed, replaced or deleted. Sizes in bytes, times in milliseconds. */
export interface RotatedSettings {
  readonly grace: number;
  /** Directories that generations are moved to; a relative one counts from the live file's directory. */
  readonly dirs: readonly string[];
  /** Bytes that deleted files may keep from being freed. */
  readonly maxHeldBytes: number;
  /** What happens past that: deleted files are let go, or held for ever. */
  readonly policy: "release" | "hold";
  /** Generations that all sinks have are deleted after so long; never without it. */
  readonly delete?: { readonly after: number } | undefined;
}

/** An opened file that was proved to hold a followed one's content. */
export interface Copy extends Opened {
  /** Bytes of content that can be read. */
  readonly contentSize: number;
  /** Bytes of content there were, as far as can be told: more only if it is a damaged archive. */
  readonly expectedSize: number;
  /** Why an archive can't be read to its end. */
  readonly damage?: string | undefined;
}

/** A place in a file, by what stands before it. */
export type Marker = Pick<Position, "offset" | "tail">;

/** What a source of the configuration means to the files it matches. Sizes in bytes, times in milliseconds. */
export interface SourceSettings {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly format: FormatSetting;
  /** Whose clocks show times without an offset, by its IANA name; UTC's if undefined. */
  readonly timeZone?: string | undefined;
  /** How times are written, with the directives of strptime, if not in a way that is known. */
  readonly timeFormat?: string | undefined;
  /** A label of the Encoding Standard; without it UTF-8. */
  readonly encoding?: string | undefined;
  /** How lines are joined to records; without it each is one. */
  readonly multiline?: MultilineSetting | undefined;
  /** A joined record of more lines is cut; without it there is no such limit. */
  readonly maxRecordLines?: number | undefined;
  /** After so long without growth a record at the end of its file is whole, though more lines might belong to it. */
  readonly flushAfter?: number | undefined;
  readonly startAt: "beginning" | "end";
  /** What a file holds that is older than this when it is first met is skipped. */
  readonly ignoreOlder?: number | undefined;
  readonly maxRecordBytes: number;
  /** Directories that a link may lead into, besides the roots of `include`. */
  readonly allowedRoots: readonly string[];
  readonly rotated: RotatedSettings;
}

/** One generation of a followed file. Only the registry and its parts change it. */
export class LogFile implements FollowedFile {
  readonly id: number;
  readonly source: SourceSettings;
  readonly origin: RecordOrigin;
  /** The live path whose generations are read oldest first; for a file that was never rotated its own path. */
  readonly stream: string;
  born: bigint;
  /** Since when the stream has been followed, milliseconds since the epoch. */
  readonly followedSince: number;
  path: string;
  /** Where its path leads, if it is a link. */
  target: string | undefined;
  identity: FileIdentity;
  state: FileState;
  /** Highest size seen, bytes. */
  size: number;
  /** Modification time at the last look, to notice a rewrite that keeps the size. */
  mtimeNs: bigint;
  /** Monotonic time of the last growth that was seen. */
  grownAtMs: number;
  /** What `auto` decided, once it has. */
  format: string | undefined;
  starts: string | undefined;
  /** The same of the streams within a container's file, by their names. */
  streams: Readonly<Record<string, Decisions>> | undefined;
  handle: FileHandle | undefined;
  /** The content, while an archive is open. */
  archive: Archive | undefined;
  /** Set if what stands at its path is an archive of it. */
  compression: Compression | undefined;
  /** The end of the NUL bytes at its beginning that nobody wrote: a writer went on at its old offset after a truncation. */
  hole: Position | undefined;
  /** It began with a truncation: NUL bytes at its beginning are none that somebody wrote. */
  wasTruncated = false;
  /** How far it was read since it was taken up, and the marker of what stands before: more than any sink has got, perhaps. */
  readTo: Marker | undefined;
  /** What is to come, or has come, of looking for it; undefined where it is known, as far as that can be. */
  search: "wanted" | "inVain" | undefined;
  /** Monotonic time since when no path and no descriptor leads to it, as far as is known. */
  absentSinceMs: number | undefined;
  /** Monotonic time since when every sink has it. */
  releasedAtMs: number | undefined;
  /** Why its bytes are out of reach, if there is more to say than that they are. */
  lossReason: string | undefined;
  /** Set if a copy in which it goes on is shorter than it was: the bytes from here to `size` are out of reach. */
  missingFrom: number | undefined;
  /** No path leads to it any more; only the open handle keeps its bytes. */
  deleted = false;
  #users = 0;

  constructor(
    init: Pick<
      LogFile,
      "id" | "source" | "stream" | "born" | "followedSince" | "path" | "identity" | "size" | "grownAtMs"
    > & {
      origin: string;
      mtimeNs: bigint;
    },
  ) {
    this.id = init.id;
    this.source = init.source;
    this.origin = { source: init.source.name, path: init.origin };
    this.stream = init.stream;
    this.born = init.born;
    this.followedSince = init.followedSince;
    this.path = init.path;
    this.target = undefined;
    this.identity = init.identity;
    this.state = "live";
    this.size = init.size;
    this.mtimeNs = init.mtimeNs;
    this.grownAtMs = init.grownAtMs;
    this.format = undefined;
    this.starts = undefined;
    this.streams = undefined;
    this.handle = undefined;
    this.archive = undefined;
    this.compression = undefined;
    this.hole = undefined;
    this.readTo = undefined;
    this.search = undefined;
    this.lossReason = undefined;
    this.absentSinceMs = undefined;
    this.releasedAtMs = undefined;
    this.missingFrom = undefined;
  }

  /** What `auto` decided about its lines, or those of a stream within. */
  decisions(stream?: string): Decisions {
    return stream === undefined ? this : (this.streams?.[stream] ?? {});
  }

  decide({ format, starts }: Decisions, stream?: string): void {
    const { format: knownFormat = format, starts: knownStarts = starts } = this.decisions(stream);
    if (stream !== undefined)
      this.streams = { ...this.streams, [stream]: { format: knownFormat, starts: knownStarts } };
    else {
      this.format = knownFormat;
      this.starts = knownStarts;
    }
  }

  /** Whether more bytes may still come. */
  get canGrow(): boolean {
    return this.state === "live" || this.state === "rotated";
  }

  get isSought(): boolean {
    return this.search === "wanted";
  }

  /** Fills the buffer with the bytes at `offset` and returns the filled part; undefined if the file is not open. */
  async read(offset: number, buffer: Buffer): Promise<Buffer | undefined> {
    const { content } = this;
    return content && readInto(content, offset, buffer);
  }

  /** What it is read from; undefined if it is not open. */
  get content(): ByteSource | undefined {
    return this.archive ?? this.handle;
  }

  /** Reads through this from now on. */
  hold({ handle, archive }: Pick<Opened, "handle" | "archive">): void {
    this.handle = handle;
    this.archive = archive;
    this.compression = archive?.compression;
  }

  wasReadTo(offset: number, tail: number): void {
    if (offset > (this.readTo?.offset ?? 0)) this.readTo = { offset, tail };
  }

  /** Keeps it open, should it be, until `work` is done, however many files are opened meanwhile. */
  async using<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
    }
  }

  get isInUse(): boolean {
    return this.#users > 0;
  }

  /** Whether it is no longer than it was when it was last looked at. */
  async isOfKnownSize(): Promise<boolean> {
    return this.handle === undefined || (await this.handle.stat()).size <= this.size;
  }

  /** The file's bytes are out of reach, but a copy of them was found and proved: it goes on there. */
  continueIn(copy: Copy): void {
    const { stats, realPath } = copy;
    this.hold(copy);
    // The copy need not have all that was read.
    this.readTo = undefined;
    this.path = realPath;
    this.identity = { ...this.identity, device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs };
    this.reach(copy.contentSize);
    if (copy.damage !== undefined) this.damaged(copy.expectedSize);
    this.mtimeNs = stats.mtimeNs;
    // Nobody writes to an archive any more.
    if (this.state !== "released" || this.compression === undefined)
      this.state = this.compression === undefined ? "rotated" : "final";
    this.deleted = false;
  }

  /** A damaged archive: its content went this far. */
  damaged(expectedSize: number): void {
    if (expectedSize > this.size) this.missingFrom ??= this.size;
    this.size = Math.max(this.size, expectedSize);
    this.lossReason = "its archive is damaged";
  }

  /** The file's bytes go as far as this. What was seen beyond, before it was copied, is missing. */
  reach(size: number): void {
    this.missingFrom = size < this.size ? size : undefined;
    this.size = Math.max(this.size, size);
  }

  /** How far its bytes go, as far as is known. */
  get readableSize(): number {
    return this.missingFrom ?? this.size;
  }

  async close(): Promise<void> {
    const { handle, archive } = this;
    this.handle = undefined;
    this.archive = undefined;
    archive?.close();
    await handle?.close();
  }

  checkpoint(): FileCheckpoint {
    return {
      id: this.id,
      source: this.source.name,
      origin: this.origin.path,
      stream: this.stream,
      path: this.path,
      ...(this.target === undefined ? {} : { target: this.target }),
      identity: this.identity,
      size: this.size,
      born: this.born,
      followedSince: this.followedSince,
      rotated: this.state !== "live",
      format: this.format,
      starts: this.starts,
      streams: this.streams,
    };
  }
}

/** The file system's own key of a file, as far as it goes: inode numbers are used again. */
export const inodeKey = (file: Pick<BigIntStats, "dev" | "ino">): string => `${file.dev}:${file.ino}`;

export const inodeKeyOf = (identity: FileIdentity): string => `${identity.device}:${identity.inode}`;
