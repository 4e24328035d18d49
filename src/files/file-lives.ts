/*
 * A long file: the transitions of a file's life call each other, and read best together.
 */
import type { BigIntStats } from "node:fs";
import { dirname } from "node:path";
import type { CheckpointStore, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { furthestOf } from "../core/position.ts";
import { whereIs } from "./confinement.ts";
import { directoriesOf, findCopy } from "./copies.ts";
import type { FileTable } from "./file-table.ts";
import { beginningOf, HEAD_BYTES, headMatches, sameInode, tailAt } from "./identity.ts";
import type { Copy, LogFile, Marker, SourceSettings } from "./log-file.ts";
import { Listings } from "./listings.ts";
import type { FileOpener } from "./opener.ts";
import type { UnseenSearch } from "./unseen-search.ts";

export interface FileListener {
  /** New files, oldest first. They are read only after this has resolved: their first cursors must be durable by then. */
  added(files: readonly LogFile[]): Promise<void>;
  /** The file grew or changed its state, or is worth another attempt. */
  changed(file: LogFile): void;
  /** Whether some sink still has to read the file, or waits for an answer about its records. */
  isNeeded(file: LogFile): boolean;
  /** The file is out of use for good: its counters roll up. */
  forgotten(file: LogFile): void;
}

/** A path that leads to content which nobody follows yet. */
export interface Newcomer {
  readonly path: string;
  readonly stats: BigIntStats;
  readonly source: SourceSettings;
  /** The live path it belongs to, if that is known. */
  readonly stream?: string;
  /** When its content began, nanoseconds since the epoch. */
  readonly born: bigint;
  /** It is what a truncation left: NUL bytes at its beginning are none that somebody wrote. */
  readonly wasTruncated?: boolean;
}

export interface FileLivesOptions {
  readonly table: FileTable;
  readonly opener: FileOpener;
  readonly unseen: UnseenSearch;
  readonly store: CheckpointStore;
  readonly listener: FileListener;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Takes up what begins where another content ended. */
  readonly onNewcomer: (newcomer: Newcomer) => void;
}

/** The transitions in the life of a followed file: grown, moved, replaced, vanished, forgotten. */
export class FileLives {
  readonly #options: FileLivesOptions;
  /** Files whose reader found other bytes before its position than it had left there. */
  readonly #suspects = new Map<LogFile, Position>();
  /** Files that are closed, and whose path leads to something else. */
  readonly #missing = new Set<LogFile>();

  constructor(options: FileLivesOptions) {
    this.#options = options;
  }

  get suspects(): Iterable<LogFile> {
    return this.#suspects.keys();
  }

  suspect(file: LogFile, position: Position): void {
    this.#suspects.set(file, position);
  }

  isSuspect(file: LogFile): boolean {
    return this.#suspects.has(file);
  }

  /** Measures a file through its descriptor, wherever it is. */
  async measureOpen(file: LogFile): Promise<void> {
    if (file.handle !== undefined && file.canGrow) await this.measureNow(file);
  }

  /** Measures a file wherever it was seen last, whether it is open or not. */
  async measureNow(file: LogFile): Promise<void> {
    if (file.state === "gone") return;
    await this.#options.opener.attempt(file.path, async () => {
      const stats = await this.#statNow(file);
      if (stats !== undefined) await this.measure(file, stats);
    });
  }

  /**
   * Looks for files that were moved while they were closed: where their generations can be, or in a copy. Before new files
   * are taken up, so that none of these is taken for a new one. What is not found may still be by a later look.
   */
  async findMissing(): Promise<void> {
    const listings = new Listings();
    for (const file of this.#missing) {
      this.#missing.delete(file);
      if (file.handle !== undefined || file.state === "gone" || file.state === "released") {
        file.search = undefined;
        continue;
      }
      await this.#options.opener.attempt(file.path, () => this.#find(file, listings));
      // It may have been emptied before it was moved, and then goes on in a copy as well.
      if (file.canGrow) await this.measureNow(file);
      // What is not to be had holds up nothing.
      if (file.isSought) file.search = "inVain";
      this.#options.listener.changed(file);
    }
  }

  async #find(file: LogFile, listings: Listings): Promise<void> {
    const { table, opener } = this.#options;
    const there = await opener.stat(file.path);
    if (there.kind === "file" && sameInode(file.identity, there.stats)) return this.place(file, file.path);
    if (table.isPlaced(file)) await this.moved(file);
    const found = await this.locate(file, listings);
    if (typeof found === "object") return this.place(file, found.path);
    const copy = found === "absent" ? await this.findCopy(file) : undefined;
    if (copy !== undefined) await this.goOnIn(file, copy);
  }

  /**
   * Opens a file that was closed for want of descriptors. One that has moved is looked for by the next look (`sought`), once
   * until it is found: what was looked for in vain holds up nothing.
   */
  async openAgain(file: LogFile): Promise<"open" | "sought" | "unavailable"> {
    const reopened = await this.#options.opener.openAgain(file);
    if (reopened === "open") return "open";
    if (reopened !== "moved" || file.search === "inVain") return "unavailable";
    this.#seek(file);
    return "sought";
  }

  #seek(file: LogFile): void {
    file.search = "wanted";
    this.#missing.add(file);
  }

  /** Where a file is that neither a path nor a descriptor leads to; `unknown` if not all directories can be listed. */
  async locate(file: LogFile, listings: Listings): Promise<{ readonly path: string } | "absent" | "unknown"> {
    const roots = await this.#options.opener.rootsOf(file.source);
    let isUnsure = false;
    for (const directory of directoriesOf(file)) {
      const listing = await listings.of(directory, roots);
      const found = listing?.find(({ stats }) => sameInode(file.identity, stats));
      if (found !== undefined) return found;
      if (listing === undefined) isUnsure = true;
    }
    return isUnsure ? "unknown" : "absent";
  }

  /** Compares a followed file with what was found of it: the same, grown, or replaced by other content. */
  async measure(file: LogFile, stats: BigIntStats): Promise<void> {
    // Found before the file went on in a copy: that is another inode.
    if (!sameInode(file.identity, stats)) return;
    const suspicion = this.#suspects.get(file);
    // An archive's size is not that of its content, which is complete when it is taken up.
    const size = file.compression === undefined ? Number(stats.size) : file.readableSize;
    if (size === file.readableSize && stats.mtimeNs === file.mtimeNs && suspicion === undefined) return;
    if (size >= file.readableSize) {
      const position = suspicion ?? this.#furthestRead(file);
      const holds = await file.using(() => this.#holdsItsBytes(file, stats, position));
      // It can't be read now. That proves nothing; a later look tries again.
      if (holds === undefined) return;
      this.#suspects.delete(file);
      if (holds) return this.#grown(file, size, stats.mtimeNs);
    } else {
      // What was found may be older than the last measurement: only what is there now can be smaller.
      const now = await this.#statNow(file);
      if (now !== undefined && now.size >= BigInt(file.readableSize)) return this.measure(file, now);
    }
    this.#suspects.delete(file);
    await this.#replaced(file, stats);
  }

  async #statNow({ handle, path, identity }: LogFile): Promise<BigIntStats | undefined> {
    if (handle !== undefined) return handle.stat({ bigint: true });
    const found = await this.#options.opener.stat(path);
    return found.kind === "file" && sameInode(identity, found.stats) ? found.stats : undefined;
  }

  #grown(file: LogFile, size: number, mtimeNs: bigint): void {
    file.mtimeNs = mtimeNs;
    // Of an empty file nothing was known: it may have been filled, copied and emptied in between.
    if (file.size === 0 && file.state === "live") file.born = mtimeNs;
    if (size > file.readableSize) {
      if (file.state !== "live") file.state = "rotated";
      file.reach(size);
      file.grownAtMs = this.#options.clock.elapsed();
    }
    this.changed(file);
  }

  /**
   * Whether the file begins as it did and has the same bytes before the position: a rewrite that keeps or passes the size
   * shows here. Undefined if it can't be read now.
   */
  async #holdsItsBytes(file: LogFile, stats: BigIntStats, position: Marker): Promise<boolean | undefined> {
    const reopened = await this.#options.opener.openAgain(file);
    if (reopened === "other") return false;
    if (reopened !== "open" || file.content === undefined) return undefined;
    const { content } = file;
    const { head } = file.identity;
    // Of a file that has no content yet it shows only now where that begins.
    const isEmpty = head.length === 0;
    const mayBeTruncated = isEmpty ? file.wasTruncated : head.from !== undefined;
    const beginning = head.length < HEAD_BYTES ? await beginningOf(content, stats, mayBeTruncated) : undefined;
    // Emptied since it was measured: what it held is in nobody's knowledge, and in its copy if there is one.
    if (isEmpty && stats.size > 0n && beginning?.head.length === 0 && beginning.hole === undefined) return undefined;
    // Only now: should it be emptied meanwhile, the fingerprint of nothing must not replace that of what it held.
    if (!(await headMatches(content, head))) return false;
    if (position.offset > 0 && (await tailAt(content, position.offset)) !== position.tail) return false;
    if (beginning !== undefined) file.identity = { ...file.identity, head: beginning.head };
    if (beginning !== undefined && isEmpty) this.#setHole(file, beginning.hole);
    return true;
  }

  #setHole(file: LogFile, hole: Position | undefined): void {
    if (hole !== undefined && file.hole?.offset !== hole.offset)
      this.#options.emit({ kind: "file.hole", path: file.path, bytes: hole.offset });
    file.hole = hole;
  }

  /** The path no longer leads to the file. The descriptor knows where it stands now; without one a listing may show it. */
  async moved(file: LogFile): Promise<void> {
    const { table, unseen, emit } = this.#options;
    const from = file.path;
    table.displace(file);
    if (file.handle !== undefined) {
      file.deleted = (await file.handle.stat({ bigint: true })).nlink === 0n;
      if (!file.deleted) await this.place(file, await whereIs(file.handle));
    } else {
      this.#seek(file);
    }
    if (file.state !== "live") return;
    file.state = "rotated";
    if (file.deleted)
      emit({ kind: "file.deleted", path: from, unreadBytes: file.size - this.furthest(file.id).offset });
    else emit({ kind: "file.rotated", path: from, now: file.path });
    this.changed(file);
    unseen.want(dirname(file.stream));
    // What it got last, or that it was truncated, comes before anything that is found in its place or beside it.
    await this.measureOpen(file);
  }

  /**
   * A known file shows up under another path: it was renamed, unless its own path leads to it too (a link). A link at the
   * live path may have been switched back to an older file, which is the live one again.
   */
  async seenElsewhere(file: LogFile, path: string): Promise<void> {
    const { table, opener } = this.#options;
    const own = await opener.stat(file.path);
    const isAtBoth = own.kind === "file" && table.isPlaced(file) && sameInode(file.identity, own.stats);
    if (isAtBoth && (file.state === "live" || path !== file.stream)) return;
    if (table.isPlaced(file)) await this.moved(file);
    file.absentSinceMs = undefined;
    file.deleted = false;
    await this.place(file, path);
    // Moved away and back again.
    if (path === file.stream) file.state = "live";
    this.changed(file);
  }

  /** The path leads to the file now. One that was thought to be there has moved itself, or was overwritten. */
  async place(file: LogFile, path: string): Promise<void> {
    const { table } = this.#options;
    const displaced = table.at(path);
    table.place(file, path);
    file.search = undefined;
    if (displaced !== undefined && displaced !== file) await this.moved(displaced);
  }

  /** Truncated or rewritten: the old generation goes on in its copy, if there is one; the path begins a new generation. */
  async #replaced(file: LogFile, stats: BigIntStats): Promise<void> {
    const { path, source, stream, size: seen } = file;
    const pendingBytes = this.#options.listener.isNeeded(file) ? seen - this.furthest(file.id).offset : 0;
    const copy = await this.vanished(file);
    const lostBytes = Math.max(0, Math.min(pendingBytes, seen - (copy?.contentSize ?? 0)));
    const goesOn = copy === undefined ? {} : { copy: copy.realPath };
    this.#options.emit({ kind: "file.truncated", path, size: Number(stats.size), seen, lostBytes, ...goesOn });
    // A truncated file keeps its birth time, but what it holds is younger than any copy of what it held.
    this.#options.onNewcomer({ path, source, stats, stream, born: stats.mtimeNs, wasTruncated: true });
    this.#options.unseen.want(dirname(stream));
  }

  /** The file's bytes are no longer where they were. A proven copy takes its place, else they are out of reach. */
  async vanished(file: LogFile): Promise<Copy | undefined> {
    this.#options.table.detach(file);
    await file.close();
    const copy = await this.findCopy(file);
    if (copy === undefined) {
      file.state = "gone";
      this.changed(file);
    } else {
      await this.goOnIn(file, copy);
    }
    return copy;
  }

  async findCopy(file: LogFile): Promise<Copy | undefined> {
    const { table, opener, listener, emit } = this.#options;
    const { identity } = file;
    return findCopy({
      file,
      position: this.furthest(file.id),
      roots: await opener.rootsOf(file.source),
      isNeeded: listener.isNeeded(file),
      isKnown: (stats) => table.isFollowed(stats) || sameInode(identity, stats),
      onAmbiguity: (chosen, others) => emit({ kind: "file.ambiguous", path: file.path, chosen, others }),
    });
  }

  /** The file's content is read from a proven copy from now on. */
  async goOnIn(file: LogFile, copy: Copy): Promise<void> {
    const { table, emit } = this.#options;
    table.detach(file);
    await file.close();
    file.continueIn(copy);
    file.absentSinceMs = undefined;
    await this.place(file, copy.realPath);
    if (copy.damage !== undefined) {
      const { contentSize: readableBytes, realPath: path, damage: reason } = copy;
      emit({ kind: "file.damaged", path, readableBytes, missingBytes: file.size - readableBytes, reason });
    }
    this.changed(file);
  }

  async forget(file: LogFile): Promise<void> {
    const { table, store, listener } = this.#options;
    const stream = table.remove(file);
    this.#suspects.delete(file);
    this.#missing.delete(file);
    await file.close();
    listener.forgotten(file);
    if (stream === undefined) return;
    const { path, followedSince } = stream;
    store.record({ kind: "stream", stream: { path, followedSince } });
  }

  changed(file: LogFile): void {
    this.#options.store.record({ kind: "file", file: file.checkpoint() });
    this.#options.listener.changed(file);
  }

  /** The furthest place up to which its bytes are known to be its own. */
  #furthestRead({ id, readTo }: LogFile): Marker {
    const durable = this.furthest(id);
    return readTo !== undefined && readTo.offset > durable.offset ? readTo : durable;
  }

  /** The furthest durable position of any sink. */
  furthest(id: number): Position {
    return furthestOf(this.#options.store, id);
  }
}
