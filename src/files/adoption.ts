/*
 * A long file: what makes a found file a new one, a copy in the making or the archive of a known one is decided in one place.
 */
import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type ArchiveScan, mayBecomeArchive } from "./archive.ts";
import type { CheckpointStore } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { contentOf, keepIf, type Opened } from "./confinement.ts";
import { isBeginningOf, type Sizes, sizesIfCopy } from "./copies.ts";
import type { FileLives, Newcomer } from "./file-lives.ts";
import type { FileTable } from "./file-table.ts";
import { type Beginning, beginningOf, HEAD_BYTES, sameInode } from "./identity.ts";
import { inodeKey, LogFile, type SourceSettings } from "./log-file.ts";
import type { FileOpener } from "./opener.ts";
import { byRotation, generationsLike, isArchiveName, liveNameOf, withoutCompression } from "./rotation-names.ts";
import { bornAt, contentBornAt } from "./siblings.ts";
import { type Live, placesOf, type UnseenSearch } from "./unseen-search.ts";

/** A file that equals the beginning of a live one is taken for a copy in the making for so long, then for a file of its own. */
const COPYING_MS = 30_000;

/** So many files may be opened beyond the limit before some are closed. */
const MANY_FILES = 64;

/** Searches in a row for generations that nobody saw. Each finds those that the one before missed for a rename under its eyes. */
const UNSEEN_ROUNDS = 5;

export interface AdoptionOptions {
  readonly table: FileTable;
  readonly opener: FileOpener;
  readonly unseen: UnseenSearch;
  readonly lives: FileLives;
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Whether the look is to end. */
  readonly isToEnd: () => boolean;
  readonly sourceOf: (path: string) => SourceSettings | undefined;
  /** Since when a source is followed: its generations that came to be from then on are read, however soon they were rotated. */
  readonly followedSince: (source: SourceSettings) => number;
  readonly excludes: (path: string, source: SourceSettings) => boolean;
}

type Placed = Newcomer & { readonly stream: string };

/** Makes found files known: new ones, generations that nobody saw, archives. */
export class Adoption {
  readonly #options: AdoptionOptions;
  /** Files that this look came upon and nobody follows yet. */
  readonly #newcomers: Newcomer[] = [];
  /** Inodes with their birth times that an earlier run followed. */
  readonly #formerInodes = new Set<string>();
  /** When the youngest content began that an earlier run followed, by live path. */
  readonly #formerBirths = new Map<string, bigint>();
  /** Files, by inode, that this look has found to look like copies in the making. */
  readonly #copying = new Set<string>();
  /** Since when a file has looked like a copy in the making, and when it did last, by inode. */
  readonly #copyingTimes = new Map<string, { readonly sinceMs: number; readonly seenMs: number }>();

  constructor(options: AdoptionOptions) {
    this.#options = options;
    for (const { identity, stream, born } of options.store.files.values()) {
      this.#formerInodes.add(`${identity.inode} ${identity.birthtimeNs}`);
      const youngest = this.#formerBirths.get(stream);
      if (youngest === undefined || born > youngest) this.#formerBirths.set(stream, born);
    }
  }

  add(newcomer: Newcomer): void {
    this.#newcomers.push(newcomer);
  }

  /** A path that a look came upon. */
  found(path: string, source: SourceSettings, stats: BigIntStats): void {
    const wasTruncated = this.#wasTruncated(path, stats);
    this.#newcomers.push({ path, source, stats, born: this.birthOf(path, stats), wasTruncated });
  }

  /** The start is over: whatever the earlier run followed has been found or given up. */
  forgetFormer(): void {
    this.#formerInodes.clear();
    this.#formerBirths.clear();
  }

  isCopying(stats: BigIntStats): boolean {
    return this.#copying.has(inodeKey(stats));
  }

  /**
   * Whether a newcomer held what an earlier run followed. Its inode says so; and so does its age if that content goes on in
   * a copy: no file is older than what it is the successor of.
   */
  #wasTruncated(path: string, stats: BigIntStats): boolean {
    const youngest = this.#formerBirths.get(path);
    return this.wasFollowed(stats) || (youngest !== undefined && bornAt(stats) <= youngest);
  }

  /** Whether an earlier run followed what was in the file before. */
  wasFollowed(stats: BigIntStats): boolean {
    return this.#formerInodes.has(`${stats.ino} ${stats.birthtimeNs}`);
  }

  /** When a file's content began: with the file, unless it was truncated while nobody looked, and keeps its birth time. */
  birthOf(path: string, stats: BigIntStats): bigint {
    return this.#wasTruncated(path, stats) ? stats.mtimeNs : contentBornAt(path, stats);
  }

  /** What is at a live path now; undefined if nothing is there. */
  async liveAt(path: string): Promise<Live | undefined> {
    const { opener, table } = this.#options;
    const found = await opener.stat(path);
    if (found.kind !== "file") return undefined;
    const { stats } = found;
    const known = table.withInode(stats);
    if (known?.isSame === true) return { stats, born: known.file.born };
    const newcomer = this.#newcomers.find((candidate) => candidate.stats.ino === stats.ino);
    return { stats, born: newcomer?.born ?? this.birthOf(path, stats) };
  }

  /**
   * Takes up the newcomers, and what was rotated in their directories between two looks; until a search finds nothing
   * new, for rotations go on meanwhile. Oldest first in each round.
   */
  async takeUp(listed: ReadonlySet<string>): Promise<readonly LogFile[]> {
    const { unseen, excludes } = this.#options;
    const added: LogFile[] = [];
    this.#copying.clear();
    this.#forgetOldCopies();
    for (let round = 0; round < UNSEEN_ROUNDS && !this.#options.isToEnd(); round += 1) {
      // Before a new file came others may have come and gone.
      for (const { path } of this.#newcomers) unseen.want(dirname(path));
      for (const { path, source, stats, stream, born } of await unseen.run()) {
        if (!excludes(path, source))
          this.#newcomers.push({ path, source, stats, stream, born, wasTruncated: this.wasFollowed(stats) });
      }
      if (this.#newcomers.length === 0) break;
      const directories = this.#newcomers.map(({ path }) => dirname(path));
      added.push(...(await this.#adoptAll(listed)));
      for (const directory of directories) unseen.want(directory);
    }
    return added;
  }

  /** Opens the newcomers, oldest first, and makes them known. */
  async #adoptAll(listed: ReadonlySet<string>): Promise<readonly LogFile[]> {
    const added: LogFile[] = [];
    const placed = distinct(this.#newcomers.splice(0)).map((newcomer) => {
      return { ...newcomer, stream: newcomer.stream ?? this.#streamOf(newcomer, listed) };
    });
    for (const newcomer of await this.#byAge(placed)) {
      if (this.#options.isToEnd()) break;
      await this.#options.opener.attempt(newcomer.path, async () => {
        const file = await this.#adopt(newcomer);
        if (file !== undefined) added.push(file);
      });
      // Thousands may come at once, at the start for example.
      if (added.length % MANY_FILES === 0) await this.#options.opener.limitHandles();
    }
    return added;
  }

  /**
   * Oldest first. The times of an archive, and of what was truncated, say when it was written to last; among generations the
   * name says more. What the live path leads to is no generation, whatever its own name: it is taken up by that path.
   */
  async #byAge(newcomers: readonly Placed[]): Promise<readonly Placed[]> {
    const youngestFirst = newcomers.toSorted((a, b) =>
      a.stream === b.stream ? byRotation(b.path, a.path, a.stream) : 0,
    );
    const lives = new Map<string, Live | undefined>();
    /** Of the next younger one of a stream: since when it counts, and what its time stamp says. */
    const younger = new Map<string, { readonly born: bigint; readonly stamp: bigint }>();
    const aged: Placed[] = [];
    for (const newcomer of youngestFirst) {
      const { path, stream, stats } = newcomer;
      if (path !== stream && !lives.has(stream)) lives.set(stream, await this.liveAt(stream));
      const live = lives.get(stream);
      if (live !== undefined && path !== stream && inodeKey(live.stats) === inodeKey(stats)) continue;
      const next = younger.get(stream) ?? (live && { born: live.born, stamp: live.born });
      const isDatedLate = isArchiveName(path) || (newcomer.wasTruncated === true && path !== stream);
      // Time stamps are coarse: in the same tick, a generation is older than the one that came in its place.
      const isTooLate = next !== undefined && (isDatedLate ? newcomer.born >= next.born : newcomer.born === next.stamp);
      const born = isTooLate && path !== stream ? next.born - 1n : newcomer.born;
      younger.set(stream, { born, stamp: newcomer.born });
      aged.push({ ...newcomer, born });
    }
    return aged.sort(byAge);
  }

  async #adopt(newcomer: Placed): Promise<LogFile | undefined> {
    const { table, opener } = this.#options;
    const { path, source, stats } = newcomer;
    const opened = await opener.open(path, source);
    if (opened === undefined) return undefined;
    // Another file may have taken the path since it was listed.
    const born = opened.stats.ino === stats.ino ? newcomer.born : bornAt(opened.stats);
    if (opened.archive !== undefined) return this.#adoptArchive({ ...newcomer, born }, opened);
    const live = (): LogFile | undefined => (newcomer.stream === path ? undefined : table.at(newcomer.stream));
    let beginning: Beginning | undefined;
    const isNew = async (): Promise<boolean> => {
      // It may be a copy of what the live file has got since it was looked at, or had before it was emptied just now.
      if (!(await this.#measureAgain(live(), opened))) return false;
      if (isArchiveName(path) && (await mayBecomeArchive(opened.handle))) return false;
      beginning = await beginningOf(opened.handle, opened.stats, newcomer.wasTruncated === true);
      if (table.isKnown(opened.stats)) return false;
      if (await this.#mayBeCopying(opened, live())) return false;
      // Should it have been emptied while the two were compared, this is its copy, and known as such now.
      await this.#measureAgain(live(), opened);
      return !table.isKnown(opened.stats);
    };
    const kept = await keepIf(opened, () => live()?.using(isNew) ?? isNew());
    if (kept === undefined || beginning === undefined) return undefined;
    const file = this.#create({ ...newcomer, born }, kept, beginning, Number(kept.stats.size));
    file.wasTruncated = newcomer.wasTruncated === true;
    return file;
  }

  /**
   * Measures the live file that a newcomer may be a copy of. False if it is closed, and no longer where it was: what became
   * of it is found out first.
   */
  async #measureAgain(live: LogFile | undefined, newcomer: Opened): Promise<boolean> {
    const { lives } = this.#options;
    if (live === undefined) return true;
    if ((await lives.openAgain(live)) === "sought") {
      this.#copying.add(inodeKey(newcomer.stats));
      return false;
    }
    await lives.measureNow(live);
    return true;
  }

  /** An archive is the next form of a file that is known, or a generation that nobody saw. */
  async #adoptArchive(newcomer: Placed, opened: Opened): Promise<LogFile | undefined> {
    const { table } = this.#options;
    const { archive, stats } = opened;
    let created: LogFile | undefined;
    await keepIf(opened, async () => {
      if (archive === undefined || table.isKnown(stats)) return false;
      if (await this.#isBeingWritten(newcomer)) {
        this.#copying.add(inodeKey(stats));
        return false;
      }
      const proven = await this.#recognised(newcomer, opened);
      const [first] = proven;
      if (first !== undefined) return this.#handToOwner(newcomer, opened, first.file, first.sizes);
      created = await this.#createFromArchive(newcomer, opened, await archive.scan());
      return true;
    });
    return created;
  }

  /** Compressors remove the original when they are done. */
  async #isBeingWritten({ path, stream }: Placed): Promise<boolean> {
    const original = withoutCompression(path);
    return original !== path && original !== stream && (await isThere(original));
  }

  async #createFromArchive(newcomer: Placed, opened: Opened, scan: ArchiveScan): Promise<LogFile> {
    const { path } = newcomer;
    const { size, expectedSize, damage } = scan;
    const beginning = await beginningOf(contentOf(opened), opened.stats, true);
    const missingBytes = expectedSize - size;
    if (damage !== undefined)
      this.#options.emit({ kind: "file.damaged", path, readableBytes: size, missingBytes, reason: damage });
    const file = this.#create(newcomer, opened, beginning, size);
    if (damage !== undefined) file.damaged(expectedSize);
    file.state = "final";
    return file;
  }

  /** The followed files whose content an archive is proved to hold; first those that nothing else leads to. */
  async #recognised(newcomer: Placed, opened: Opened): Promise<readonly { file: LogFile; sizes: Sizes }[]> {
    const { lives, emit } = this.#options;
    const proven: { file: LogFile; sizes: Sizes }[] = [];
    for (const file of this.#candidates(newcomer)) {
      if (file.stream !== newcomer.stream && (await this.#isInPlace(file))) continue;
      // What it got since it was looked at may be all that it and its archive hold.
      if (file.identity.head.length === 0) await lives.measureNow(file);
      if (file.identity.head.length === 0) continue;
      const sizes = await sizesIfCopy(opened, file, lives.furthest(file.id));
      if (sizes !== undefined) proven.push({ file, sizes });
    }
    const [chosen, ...others] = proven.map(({ file }) => file.path);
    if (chosen !== undefined && others.length > 0)
      emit({ kind: "file.ambiguous", path: newcomer.path, chosen, others });
    return proven;
  }

  /** A file that nothing else leads to goes on in its archive. One that can be read does not need it yet. True if it is kept. */
  async #handToOwner({ path }: Placed, opened: Opened, file: LogFile, sizes: Sizes): Promise<boolean> {
    const { table, lives } = this.#options;
    if (file.content === undefined && !(await this.#isInPlace(file))) {
      await lives.goOnIn(file, { ...opened, ...sizes, realPath: path });
      return true;
    }
    table.addAlias(opened.stats, file);
    return false;
  }

  /** Whether its path leads to the file now, whatever the last look found: it may have been compressed since. */
  async #isInPlace(file: LogFile): Promise<boolean> {
    const { table, opener } = this.#options;
    if (!table.isPlaced(file)) return false;
    const found = await opener.stat(file.path);
    return found.kind === "file" && sameInode(file.identity, found.stats);
  }

  /**
   * Files whose archive it may be: those of its stream; of its source those that nothing leads to any more, and of these
   * one that was taken for a stream of its own, for want of a live file, may not have been found missing yet.
   */
  #candidates({ path, stream, source }: Placed): readonly LogFile[] {
    const { table } = this.#options;
    const isLike = generationsLike(basename(path));
    const isAkin = (file: LogFile): boolean =>
      isLike(basename(file.stream)) && dirname(file.stream) === dirname(stream);
    const isPossible = (file: LogFile): boolean =>
      (file.stream === stream || (file.source === source && (!table.isPlaced(file) || isAkin(file)))) &&
      file.state !== "gone" &&
      file.compression === undefined;
    const files = [...table.files.values()].filter(isPossible);
    const rank = (file: LogFile): number =>
      Number(file.stream !== stream) * 2 + Number(file.content !== undefined || table.isPlaced(file));
    return files.sort((a, b) => rank(a) - rank(b));
  }

  #create(placed: Placed, opened: Opened, { head, hole }: Beginning, size: number): LogFile {
    const { clock, store, table, emit, sourceOf } = this.#options;
    const { path, source, born, stream } = placed;
    const { stats, realPath } = opened;
    const file = new LogFile({
      id: store.nextFileId(),
      source,
      origin: sourceOf(path) === undefined ? stream : path,
      stream,
      born,
      followedSince: table.streams.get(stream)?.followedSince ?? this.#options.followedSince(source),
      path,
      identity: { device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs, head },
      size,
      mtimeNs: stats.mtimeNs,
      grownAtMs: clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs)),
    });
    file.hold(opened);
    file.hole = hole;
    if (hole !== undefined) emit({ kind: "file.hole", path, bytes: hole.offset });
    file.target = realPath === path ? undefined : realPath;
    if (stream !== path) file.state = "rotated";
    table.add(file);
    store.record({ kind: "file", file: file.checkpoint() });
    return file;
  }

  /** The live path a newly found path belongs to: `app.log` for `app.log.1`, if that is there or was followed. */
  #streamOf({ path, source }: Newcomer, listed: ReadonlySet<string>): string {
    const { table } = this.#options;
    const directory = dirname(path);
    const moved = source.rotated.dirs.length === 0 ? [] : [...table.streams.directories];
    const isMovedTo = (live: string): boolean => placesOf(live, [{ source }]).includes(directory);
    for (const place of new Set([directory, ...moved.filter(isMovedTo)])) {
      const exists = (name: string): boolean => {
        const candidate = join(place, name);
        if (candidate === path) return false;
        return listed.has(candidate) || table.at(candidate) !== undefined || table.streams.get(candidate) !== undefined;
      };
      const live = liveNameOf(basename(path), exists) ?? (exists(basename(path)) ? basename(path) : undefined);
      if (live !== undefined) return join(place, live);
    }
    return path;
  }

  /**
   * Whether a new file may be the copy of a live one that is about to be truncated. If it is, the truncation shows soon,
   * and the copy is found by its content then. If it is not, it is only taken up later: equal files stay two files. One that
   * is empty can become either, and has nothing to read yet.
   */
  async #mayBeCopying(opened: Opened, live: LogFile | undefined): Promise<boolean> {
    if (live === undefined) return false;
    const isEmpty = opened.stats.size === 0n;
    if (!isEmpty && !(await isBeginningOf(live, opened))) return false;
    const { clock } = this.#options;
    const key = inodeKey(opened.stats);
    const now = clock.elapsed();
    const sinceMs = this.#copyingTimes.get(key)?.sinceMs ?? now;
    // So long a beginning is no coincidence.
    const mayBe = isEmpty || opened.stats.size >= BigInt(HEAD_BYTES) || now - sinceMs < COPYING_MS;
    this.#copyingTimes.set(key, { sinceMs, seenMs: now });
    if (mayBe) this.#copying.add(key);
    return mayBe;
  }

  /** Full looks come often enough to see each of them again before. */
  #forgetOldCopies(): void {
    const now = this.#options.clock.elapsed();
    for (const [key, { seenMs }] of this.#copyingTimes)
      if (now - seenMs > 2 * COPYING_MS) this.#copyingTimes.delete(key);
  }
}

/**
 * Newcomers, each once: a look may come upon one in several ways. That it was truncated, and when what it holds began, is known
 * to one of them alone.
 */
function distinct(newcomers: readonly Newcomer[]): readonly Newcomer[] {
  const truncated = new Map<string, bigint>();
  for (const { stats, born, wasTruncated } of newcomers)
    if (wasTruncated === true) truncated.set(inodeKey(stats), born);
  const byPlace = new Map<string, Newcomer>();
  for (const newcomer of newcomers) {
    const inode = inodeKey(newcomer.stats);
    const born = truncated.get(inode);
    const known = born === undefined ? newcomer : { ...newcomer, born, wasTruncated: true };
    const place = `${inode} ${newcomer.path}`;
    byPlace.set(place, { ...known, ...byPlace.get(place) });
  }
  return [...byPlace.values()];
}

/** Oldest first. Time stamps are coarse; of files that are born in the same tick the names tell. */
function byAge(a: Placed, b: Placed): number {
  if (a.born !== b.born) return a.born < b.born ? -1 : 1;
  return byRotation(a.path, b.path, a.stream);
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
