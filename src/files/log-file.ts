import type { BigIntStats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { FileCheckpoint, FileIdentity } from "../core/checkpoint.ts";
import type { FormatSetting } from "../core/format.ts";
import type { FileState, FollowedFile } from "../core/reading.ts";
import type { RecordOrigin } from "../core/record.ts";
import type { Opened } from "./confinement.ts";
import { readInto } from "./identity.ts";

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
  readonly startAt: "beginning" | "end";
  /** What a file holds that is older than this when it is first met is skipped. */
  readonly ignoreOlder?: number | undefined;
  readonly maxRecordBytes: number;
  /** Directories that a link may lead into, besides the roots of `include`. */
  readonly allowedRoots: readonly string[];
  readonly rotated: { readonly grace: number };
}

/** One generation of a followed file. Only the registry and its parts change it. */
export class LogFile implements FollowedFile {
  readonly id: number;
  readonly source: SourceSettings;
  readonly origin: RecordOrigin;
  /** The live path whose generations are read oldest first; for a file that was never rotated its own path. */
  readonly stream: string;
  readonly born: bigint;
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
  handle: FileHandle | undefined;
  /** Set if a copy in which it goes on is shorter than it was: the bytes from here to `size` are out of reach. */
  missingFrom: number | undefined;
  /** No path leads to it any more; only the open handle keeps its bytes. */
  deleted = false;

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
    this.handle = undefined;
    this.missingFrom = undefined;
  }

  /** Whether more bytes may still come. */
  get canGrow(): boolean {
    return this.state === "live" || this.state === "rotated";
  }

  /** Fills the buffer with the bytes at `offset` and returns the filled part; undefined if the file is not open. */
  async read(offset: number, buffer: Buffer): Promise<Buffer | undefined> {
    return this.handle === undefined ? undefined : readInto(this.handle, offset, buffer);
  }

  /** The file's bytes are out of reach, but a copy of them was found and proved: it goes on there. */
  continueIn({ handle, stats, realPath }: Opened): void {
    this.handle = handle;
    this.path = realPath;
    this.identity = { ...this.identity, device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs };
    this.reach(Number(stats.size));
    this.mtimeNs = stats.mtimeNs;
    this.state = "rotated";
    this.deleted = false;
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
    const { handle } = this;
    this.handle = undefined;
    await handle?.close();
  }

  checkpoint(): FileCheckpoint {
    return {
      id: this.id,
      source: this.source.name,
      origin: this.origin.path,
      stream: this.stream,
      path: this.path,
      identity: this.identity,
      size: this.size,
      born: this.born,
      followedSince: this.followedSince,
      rotated: this.state !== "live",
      format: this.format,
    };
  }
}

/** The file system's own key of a file, as far as it goes: inode numbers are used again. */
export const inodeKey = (file: Pick<BigIntStats, "dev" | "ino">): string => `${file.dev}:${file.ino}`;

export const inodeKeyOf = (identity: FileIdentity): string => `${identity.device}:${identity.inode}`;
