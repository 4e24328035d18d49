/*
 * A long file: the transitions of a file's life share the table and call each other, and read best together.
 */
import type { BigIntStats } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { CheckpointStore, Fingerprint, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { errorCode } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { START } from "../core/position.ts";
import { keepIf, type Opened, whereIs } from "./confinement.ts";
import { type DirectoryObserver, DirectoryTree } from "./discovery.ts";
import { FileTable } from "./file-table.ts";
import { compileGlobs, type Globs } from "./globs.ts";
import { HEAD_BYTES, headMatches, readHead, sameInode, tailAt } from "./identity.ts";
import { inodeKey, LogFile, type SourceSettings } from "./log-file.ts";
import { FileOpener } from "./opener.ts";
import { Listings, resumeFiles } from "./resume.ts";
import { byRotation, liveNameOf } from "./rotation-names.ts";
import { statAll } from "./stat-all.ts";
import { UnseenSearch } from "./unseen-search.ts";
import { bornAt, findCopy, isBeginningOf, type Sibling } from "./siblings.ts";

/** A file that has not grown for this long is looked at only by full looks and when a hint names it. */
const ACTIVE_MS = 60_000;

/** A sweep looks at so many files at most. Of more it goes round: what looking costs is bounded, however many files grow. */
const SWEEP_FILES = 1_000;

/** So many files may be opened beyond the limit before some are closed. */
const MANY_FILES = 64;

/** A file that equals the beginning of a live one is taken for a copy in the making for so long, then for a file of its own. */
const COPYING_MS = 30_000;

/** Searches in a row for generations that nobody saw. Each finds those that the one before missed for a rename under its eyes. */
const UNSEEN_ROUNDS = 5;

/** An absent file is forgotten after this long: its volume may come back before. */
const FORGET_AFTER_MS = 24 * 3_600_000;

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

export interface RegistryOptions {
  readonly sources: readonly SourceSettings[];
  readonly store: CheckpointStore;
  readonly listener: FileListener;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly maxOpenFiles: number;
}

interface Newcomer extends Sibling {
  readonly source: SourceSettings;
  /** The live path it belongs to, if that is known. */
  readonly stream?: string;
  /** When its content began, nanoseconds since the epoch. */
  readonly born: bigint;
}

type Placing = Required<Pick<Newcomer, "path" | "source" | "stream" | "born">>;

/**
 * Which files there are, and who they are. One loop calls `look`; nothing here runs by itself. A look stats paths,
 * compares what it finds with what is known, and tells the listener. A path is only where a file was last seen: what
 * counts is the inode with its birth time, and the content where those can deceive. What can't be looked at is left as
 * it is: not to see a file is no proof that it is gone.
 */
export class FileRegistry {
  readonly #options: RegistryOptions;
  readonly #globs: ReadonlyMap<SourceSettings, Globs>;
  readonly #table = new FileTable();
  readonly #tree: DirectoryTree;
  readonly #opener: FileOpener;
  readonly #unseen: UnseenSearch;
  /** Files whose reader found other bytes before its position than it had left there. */
  readonly #suspects = new Map<LogFile, Position>();
  /** Inodes with their birth times that an earlier run followed. */
  readonly #formerInodes = new Set<string>();
  /** Files that this look came upon and nobody follows yet. */
  readonly #newcomers: Newcomer[] = [];
  #halted = false;
  #cutShort = false;
  /** How far the sweeps have got among the files that grew lately. */
  #swept = 0;
  readonly #absentSinceMs = new Map<LogFile, number>();
  /** Files, by inode, that this look has found to look like copies in the making. */
  readonly #copying = new Set<string>();
  /** Since when a file has looked like a copy in the making, by inode. */
  readonly #copyingSinceMs = new Map<string, number>();

  constructor(options: RegistryOptions) {
    const { sources, emit, maxOpenFiles } = options;
    this.#options = options;
    this.#globs = new Map(sources.map((source) => [source, compileGlobs(source.include, source.exclude)]));
    this.#tree = new DirectoryTree(this.#globs.values(), options.clock);
    this.#opener = new FileOpener({
      globs: this.#globs,
      table: this.#table,
      emit,
      maxOpenFiles,
      isNeeded: (file) => options.listener.isNeeded(file),
    });
    this.#unseen = new UnseenSearch({
      streams: this.#table.streams,
      clock: options.clock,
      liveBorn: (stream) => this.#liveBorn(stream),
      isKnown: (stats) => this.#table.isKnown(stats) || this.#copying.has(inodeKey(stats)),
    });
  }

  get files(): ReadonlyMap<number, LogFile> {
    return this.#table.files;
  }

  /** The directories below which files can appear. */
  get roots(): ReadonlySet<string> {
    return new Set([...this.#globs.values()].flatMap(({ roots }) => roots));
  }

  /** The directories in which a change may concern a followed file, or bring one. */
  get directories(): ReadonlySet<string> {
    const missingRoots = [...this.roots].map((root) => dirname(root));
    return new Set([...this.#tree.directories, ...missingRoots, ...this.#table.linkTargets()]);
  }

  /** Tells the observer of each directory before it is listed. */
  observe(observer: DirectoryObserver): void {
    this.#tree.observer = observer;
  }

  /** Whether a look at the path can find anything: it is that of a followed file, or matches. */
  isOfInterest(path: string): boolean {
    return this.#table.at(path) !== undefined || this.#table.linkTo(path) !== undefined || this.#isIncluded(path);
  }

  /** Paths that should be read and can't be. */
  get unreadable(): readonly string[] {
    return this.#opener.unreadable;
  }

  /** Monotonic time of the last growth of any file, or undefined if there is none. */
  get grownAtMs(): number | undefined {
    let latest: number | undefined;
    for (const { grownAtMs } of this.files.values()) latest = Math.max(latest ?? grownAtMs, grownAtMs);
    return latest;
  }

  /** Finds the files of the last run again, wherever they are now, and then everything that matches. Called once, first. */
  async start(): Promise<void> {
    const { store, listener, clock } = this.#options;
    for (const { identity } of store.files.values())
      this.#formerInodes.add(`${identity.inode} ${identity.birthtimeNs}`);
    const rootsOf = (source: SourceSettings): Promise<readonly string[]> => this.#opener.rootsOf(source);
    const resumed = await resumeFiles({
      store,
      clock,
      rootsOf,
      sourceOf: (path) => this.#sourceOf(path),
      furthest: (id) => this.#furthest(id),
      maxOpenFiles: this.#options.maxOpenFiles,
      isToEnd: this.#isToEnd,
    });
    for (const file of resumed) this.#table.add(file);
    await this.#opener.limitHandles();
    await listener.added(resumed);
    for (const file of resumed) this.#watchTarget(file);
    const { paths } = await this.#list();
    await this.#visitAll(paths);
    await this.#unseen.wantChanged();
    await this.#takeUp(paths);
    await this.#settle(false);
  }

  /** Looks at everything: the truth that hints only hasten. */
  async lookFully(): Promise<void> {
    const { paths } = await this.#list();
    for (const file of this.files.values()) if (file.state !== "gone") paths.set(file.path, file.source);
    await this.#visitAll(paths);
    await this.#unseen.wantChanged();
    await this.#takeUp(paths);
    await this.#settle(true);
    this.#opener.forgetMended();
  }

  /**
   * Looks into the directories that may have changed: at what came and went there, and, where no hint would have said that
   * another file took a name, at everything (`thorough`).
   */
  async lookAround(thorough: boolean): Promise<void> {
    const { paths, directories } = await this.#list(false);
    if (directories.size === 0) return;
    for (const file of this.files.values()) {
      if (!this.#table.isPlaced(file) || !directories.has(dirname(file.path))) continue;
      if (!thorough && paths.has(file.path)) paths.delete(file.path);
      else paths.set(file.path, file.source);
    }
    await this.#visitAll(paths);
    await this.#unseen.wantChanged();
    await this.#takeUp(paths);
    await this.#settle(false);
  }

  /** Looks at the paths that hints named, and with `sweep` at all files that grew lately. */
  async look(hints: Iterable<string>, sweep = true): Promise<void> {
    const paths = new Map<string, SourceSettings>();
    for (const hint of hints) {
      const path = this.#table.linkTo(hint) ?? hint;
      const source = this.#table.at(path)?.source ?? this.#sourceOf(path);
      if (source !== undefined) paths.set(path, source);
    }
    for (const file of this.#suspects.keys()) paths.set(file.path, file.source);
    if (sweep) this.#addActive(paths);
    await this.#visitAll(paths, sweep);
    await this.#takeUp(paths);
    await this.#settle(false);
  }

  /** Adds the paths of files that grew lately. */
  #addActive(paths: Map<string, SourceSettings>): void {
    const now = this.#options.clock.elapsed();
    const active: LogFile[] = [];
    for (const file of this.files.values()) {
      if (file.canGrow && now - file.grownAtMs < ACTIVE_MS) active.push(file);
    }
    const start = active.length > SWEEP_FILES ? this.#swept % active.length : 0;
    this.#swept = start + SWEEP_FILES;
    for (const file of [...active.slice(start), ...active.slice(0, start)].slice(0, SWEEP_FILES)) {
      paths.set(file.path, file.source);
      // While its writers move over to a successor, the live path of a rotated file is worth a look too.
      if (file.state === "rotated" && this.#sourceOf(file.stream) === file.source) paths.set(file.stream, file.source);
    }
  }

  /** A reader found that the bytes before `position` are others than those it read. The next look decides what happened. */
  suspect(id: number, position: Position): void {
    const file = this.files.get(id);
    if (file !== undefined) this.#suspects.set(file, position);
  }

  /** Opens a file that was closed for want of descriptors. False if it is not to be had now. */
  reopen(file: LogFile): Promise<boolean> {
    return this.#opener.reopen(file);
  }

  /** Ends a look that is under way at its next file. What it did not get to is found by the next run. */
  halt(): void {
    this.#halted = true;
  }

  get isHalted(): boolean {
    return this.#halted;
  }

  /** Whether a look was ended before it had seen everything. */
  get isCutShort(): boolean {
    return this.#cutShort;
  }

  /** Asked at each file of a look that is under way. */
  readonly #isToEnd = (): boolean => {
    if (this.#halted) this.#cutShort = true;
    return this.#halted;
  };

  /** The agent ends, and with it the descriptors that were all that deleted files still had: what is unread of them is lost. */
  giveUpDeleted(): void {
    for (const file of this.files.values()) {
      if (!file.deleted || file.state === "gone" || !this.#options.listener.isNeeded(file)) continue;
      file.state = "gone";
      this.#changed(file);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.close()));
  }

  async #list(every = true): Promise<{ paths: Map<string, SourceSettings>; directories: ReadonlySet<string> }> {
    const { paths, directories, problems } = await this.#tree.list(every, this.#isToEnd);
    for (const { path, reason } of problems) this.#opener.report("file.unreadable", path, reason);
    const sources = new Map<string, SourceSettings>();
    for (const path of paths) {
      const source = this.#sourceOf(path);
      if (source !== undefined) sources.set(path, source);
    }
    return { paths: sources, directories };
  }

  #isIncluded(path: string): boolean {
    return this.#sourceOf(path) !== undefined;
  }

  /** A file that two sources match belongs to the first. */
  #sourceOf(path: string): SourceSettings | undefined {
    for (const [source, globs] of this.#globs) if (globs.matches(path)) return source;
    return undefined;
  }

  async #visitAll(paths: ReadonlyMap<string, SourceSettings>, sweep = true): Promise<void> {
    for await (const [path, stats] of statAll(paths.keys())) {
      if (this.#isToEnd()) return;
      const source = paths.get(path);
      if (source === undefined || (stats !== undefined && this.#isUnchanged(path, stats))) continue;
      await this.#attempt(path, () => this.#visit(path, source));
    }
    if (!sweep) return;
    for (const file of this.files.values()) if (file.state === "rotated") await this.#measureOpen(file);
  }

  /** Whether there is nothing to do about the path. Most paths of most looks end here. */
  #isUnchanged(path: string, stats: BigIntStats): boolean {
    const file = this.#table.at(path);
    return (
      file !== undefined &&
      sameInode(file.identity, stats) &&
      this.#table.withInode(stats)?.file === file &&
      Number(stats.size) === file.readableSize &&
      stats.mtimeNs === file.mtimeNs &&
      !this.#suspects.has(file)
    );
  }

  async #measureOpen(file: LogFile): Promise<void> {
    const { handle, path } = file;
    if (handle === undefined || !file.canGrow) return;
    await this.#attempt(path, async () => this.#measure(file, await handle.stat({ bigint: true })));
  }

  /** An I/O error concerns one file, and passes or is told; it does not end the look at the others. */
  async #attempt(path: string, look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.#opener.report("file.unreadable", path, code);
    }
  }

  async #visit(path: string, source: SourceSettings): Promise<void> {
    const found = await this.#opener.stat(path);
    if (found.kind === "unknown") return;
    const believed = this.#table.at(path);
    const stats = found.kind === "file" ? found.stats : undefined;
    if (believed !== undefined && (stats === undefined || !sameInode(believed.identity, stats)))
      await this.#moved(believed);
    if (stats === undefined) return;
    const known = this.#table.withInode(stats);
    if (known?.isSame === true) {
      if (known.file.path !== path || !this.#table.isPlaced(known.file)) await this.#seenElsewhere(known.file, path);
      return this.#measure(known.file, stats);
    }
    if (known !== undefined) await this.#vanished(known.file);
    if (this.#sourceOf(path) !== undefined)
      this.#newcomers.push({ path, source, stats, born: this.#contentBirth(stats) });
  }

  /** When a file's content began: with the file, unless it was truncated while nobody looked, and keeps its birth time. */
  #contentBirth(stats: BigIntStats): bigint {
    return this.#formerInodes.has(`${stats.ino} ${stats.birthtimeNs}`) ? stats.mtimeNs : bornAt(stats);
  }

  /** The path no longer leads to the file. The descriptor knows where it stands now; without one a listing may show it. */
  async #moved(file: LogFile): Promise<void> {
    const from = file.path;
    this.#table.displace(file);
    if (file.handle !== undefined) {
      file.deleted = (await file.handle.stat({ bigint: true })).nlink === 0n;
      if (!file.deleted) await this.#place(file, await whereIs(file.handle));
    }
    if (file.state !== "live") return;
    file.state = "rotated";
    if (file.deleted)
      this.#options.emit({ kind: "file.deleted", path: from, unreadBytes: file.size - this.#furthest(file.id).offset });
    else this.#options.emit({ kind: "file.rotated", path: from, now: file.path });
    this.#changed(file);
    this.#unseen.want(dirname(file.stream));
    // What it got last, or that it was truncated, comes before anything that is found in its place or beside it.
    await this.#measureOpen(file);
  }

  /** A known file shows up under another path: it was renamed, unless its own path leads to it too (a link). */
  async #seenElsewhere(file: LogFile, path: string): Promise<void> {
    const own = await this.#opener.stat(file.path);
    if (own.kind === "file" && this.#table.isPlaced(file) && sameInode(file.identity, own.stats)) return;
    if (this.#table.isPlaced(file)) await this.#moved(file);
    this.#absentSinceMs.delete(file);
    file.deleted = false;
    await this.#place(file, path);
    // Moved away and back again.
    if (path === file.stream) file.state = "live";
    this.#changed(file);
  }

  /** The path leads to the file now. One that was thought to be there has moved itself, or was overwritten. */
  async #place(file: LogFile, path: string): Promise<void> {
    const displaced = this.#table.at(path);
    this.#table.place(file, path);
    if (displaced !== undefined && displaced !== file) await this.#moved(displaced);
  }

  async #measure(file: LogFile, stats: BigIntStats): Promise<void> {
    const size = Number(stats.size);
    const suspicion = this.#suspects.get(file);
    if (size === file.readableSize && stats.mtimeNs === file.mtimeNs && suspicion === undefined) return;
    if (size >= file.readableSize) {
      const holds = await this.#holdsItsBytes(file, suspicion ?? this.#furthest(file.id));
      // It can't be read now. That proves nothing; a later look tries again.
      if (holds === undefined) return;
      this.#suspects.delete(file);
      if (holds) return this.#grown(file, stats);
    }
    this.#suspects.delete(file);
    await this.#replaced(file, stats);
  }

  #grown(file: LogFile, stats: BigIntStats): void {
    const size = Number(stats.size);
    file.mtimeNs = stats.mtimeNs;
    if (size > file.readableSize) {
      if (file.state !== "live") file.state = "rotated";
      file.reach(size);
      file.grownAtMs = this.#options.clock.elapsed();
    }
    this.#changed(file);
  }

  /**
   * Whether the file begins as it did and has the same bytes before the position: a rewrite that keeps or passes the size
   * shows here. Undefined if it can't be read now.
   */
  async #holdsItsBytes(file: LogFile, position: Position): Promise<boolean | undefined> {
    if (!(await this.reopen(file)) || file.handle === undefined) return undefined;
    const { head } = file.identity;
    if (!(await headMatches(file.handle, head))) return false;
    if (head.length < HEAD_BYTES) file.identity = { ...file.identity, head: await readHead(file.handle) };
    return position.offset === 0 || (await tailAt(file.handle, position.offset)) === position.tail;
  }

  /** Truncated or rewritten: the old generation goes on in its copy, if there is one; the path begins a new generation. */
  async #replaced(file: LogFile, stats: BigIntStats): Promise<void> {
    const { path, source, stream } = file;
    this.#options.emit({ kind: "file.truncated", path, size: Number(stats.size), seen: file.size });
    await this.#vanished(file);
    // A truncated file keeps its birth time, but what it holds is younger than any copy of what it held.
    this.#newcomers.push({ path, source, stats, stream, born: stats.mtimeNs });
    this.#unseen.want(dirname(stream));
  }

  /** The file's bytes are no longer where they were. A proven copy takes its place, else they are out of reach. */
  async #vanished(file: LogFile): Promise<void> {
    const { identity } = file;
    this.#table.detach(file);
    await file.close();
    const copy = await findCopy({
      file,
      position: this.#furthest(file.id),
      roots: await this.#opener.rootsOf(file.source),
      isNeeded: this.#options.listener.isNeeded(file),
      isKnown: (stats) => this.#table.isKnown(stats) || sameInode(identity, stats),
    });
    if (copy === undefined) {
      file.state = "gone";
    } else {
      file.continueIn(copy);
      await this.#place(file, copy.realPath);
    }
    this.#changed(file);
  }

  /**
   * Takes up the newcomers, and what was rotated in their directories between two looks; until a search finds nothing
   * new, for rotations go on meanwhile. All of them are told at once, so that none is read before an older one is known.
   */
  async #takeUp(listed: ReadonlyMap<string, SourceSettings>): Promise<void> {
    const added: LogFile[] = [];
    this.#copying.clear();
    for (let round = 0; round < UNSEEN_ROUNDS && !this.#isToEnd(); round += 1) {
      // Before a new file came others may have come and gone.
      for (const { path } of this.#newcomers) this.#unseen.want(dirname(path));
      for (const { path, source, stats, stream } of await this.#unseen.run()) {
        const isWanted = this.#globs.get(source)?.excludes(path) === false;
        if (isWanted) this.#newcomers.push({ path, source, stats, stream, born: bornAt(stats) });
      }
      if (this.#newcomers.length === 0) break;
      const directories = this.#newcomers.map(({ path }) => dirname(path));
      added.push(...(await this.#adopt(listed)));
      for (const directory of directories) this.#unseen.want(directory);
    }
    if (added.length === 0) return;
    // What their predecessors got since they were looked at is older than what is in them.
    const streams = new Set(added.map(({ stream }) => stream));
    for (const file of this.files.values()) if (streams.has(file.stream)) await this.#measureOpen(file);
    await this.#options.listener.added(added);
    await this.#opener.limitHandles();
  }

  /** When the content began that is at a live path now; undefined if nothing is there. */
  async #liveBorn(path: string): Promise<bigint | undefined> {
    const found = await this.#opener.stat(path);
    if (found.kind !== "file") return undefined;
    const { stats } = found;
    const known = this.#table.withInode(stats);
    if (known?.isSame === true) return known.file.born;
    return this.#newcomers.find((newcomer) => newcomer.stats.ino === stats.ino)?.born ?? this.#contentBirth(stats);
  }

  /** Opens the newcomers, oldest first, and makes them known. */
  async #adopt(listed: ReadonlyMap<string, SourceSettings>): Promise<readonly LogFile[]> {
    const added: LogFile[] = [];
    const placed = this.#newcomers.splice(0).map((newcomer) => {
      return { ...newcomer, stream: newcomer.stream ?? this.#streamOf(newcomer.path, listed) };
    });
    const oldestFirst = placed.sort(byAge);
    for (const { path, source, stats, born, stream } of oldestFirst) {
      if (this.#isToEnd()) break;
      await this.#attempt(path, async () => {
        const opened = await this.#opener.open(path, source);
        if (opened === undefined) return;
        const head = await this.#headIfNew(opened, path, stream);
        // Another file may have taken the path since it was listed.
        const itsBirth = opened.stats.ino === stats.ino ? born : bornAt(opened.stats);
        if (head !== undefined) added.push(this.#create({ path, source, born: itsBirth, stream }, opened, head));
      });
      // Thousands may come at once, at the start for example.
      if (added.length % MANY_FILES === 0) await this.#opener.limitHandles();
    }
    return added;
  }

  /** The fingerprint of an opened file that is to be followed; undefined, and closed, if it is not. */
  async #headIfNew(opened: Opened, path: string, stream: string): Promise<Fingerprint | undefined> {
    let head: Fingerprint | undefined;
    const live = stream === path ? undefined : this.#table.at(stream);
    // It may be a copy of what the live file has got since it was looked at, or had before it was emptied just now.
    if (live !== undefined) await this.#measureOpen(live);
    const kept = await keepIf(opened, async ({ handle, stats }) => {
      head = await readHead(handle);
      return !this.#table.isKnown(stats) && (stream === path || !(await this.#mayBeCopying(opened, stream)));
    });
    return kept && head;
  }

  #create({ path, source, born, stream }: Placing, { handle, stats, realPath }: Opened, head: Fingerprint): LogFile {
    const { clock, store } = this.#options;
    const file = new LogFile({
      id: store.nextFileId(),
      source,
      origin: this.#sourceOf(path) === undefined ? stream : path,
      stream,
      born,
      followedSince: this.#table.streams.get(stream)?.followedSince ?? clock.now(),
      path,
      identity: { device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs, head },
      size: Number(stats.size),
      mtimeNs: stats.mtimeNs,
      grownAtMs: clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs)),
    });
    file.handle = handle;
    file.target = realPath === path ? undefined : realPath;
    if (stream !== path) file.state = "rotated";
    this.#table.add(file);
    this.#watchTarget(file);
    store.record({ kind: "file", file: file.checkpoint() });
    return file;
  }

  /** Where a link leads to, changes show in another directory than its own. */
  #watchTarget({ target }: LogFile): void {
    if (target !== undefined) this.#tree.observer?.appeared(dirname(target));
  }

  /** The live path a newly found path belongs to: `app.log` for `app.log.1`, if that is there. */
  #streamOf(path: string, listed: ReadonlyMap<string, SourceSettings>): string {
    const directory = dirname(path);
    const exists = (name: string): boolean => {
      const candidate = join(directory, name);
      return listed.has(candidate) || this.#table.at(candidate) !== undefined;
    };
    const live = liveNameOf(basename(path), exists);
    return live === undefined ? path : join(directory, live);
  }

  /**
   * Whether a new file may be the copy of a live one that is about to be truncated. If it is, the truncation shows soon,
   * and the copy is found by its content then. If it is not, it is only taken up later: equal files stay two files.
   */
  async #mayBeCopying(opened: Opened, stream: string): Promise<boolean> {
    const live = this.#table.at(stream);
    if (live === undefined || !(await isBeginningOf(live, opened))) return false;
    const key = inodeKey(opened.stats);
    this.#copying.add(key);
    // So long a beginning is no coincidence.
    if (opened.stats.size >= BigInt(HEAD_BYTES)) return true;
    const now = this.#options.clock.elapsed();
    const since = this.#copyingSinceMs.get(key) ?? now;
    this.#copyingSinceMs.set(key, since);
    const mayBe = now - since < COPYING_MS;
    if (!mayBe) this.#copyingSinceMs.delete(key);
    if (!mayBe) this.#copying.delete(key);
    return mayBe;
  }

  /** Moves files on in their life: grace over, read to the end, out of use. */
  async #settle(afterFullLook: boolean): Promise<void> {
    const { clock, listener, emit } = this.#options;
    const now = clock.elapsed();
    const listings = new Listings();
    const isQuiet = ({ state, grownAtMs, source }: LogFile): boolean =>
      state === "rotated" && now - grownAtMs >= source.rotated.grace;
    for (const file of this.files.values()) {
      // Nothing moves on in the life of a live file but by a look at it.
      if (file.state === "live" && !afterFullLook) continue;
      // A look at hints alone has not measured it; after this nobody will.
      if (isQuiet(file)) await this.#measureOpen(file);
      if (isQuiet(file)) {
        file.state = "final";
        this.#changed(file);
      }
      if (afterFullLook && file.handle === undefined && !this.#table.isPlaced(file))
        await this.#absent(file, now, listings);
      if (listener.isNeeded(file)) {
        // What could not be read before is worth another attempt.
        if (afterFullLook) listener.changed(file);
      } else if (file.state === "gone" || (file.state === "released" && file.deleted)) {
        await this.#forget(file);
      } else if (file.state === "final") {
        file.state = "released";
        await file.close();
        emit({ kind: "file.released", path: file.path });
        this.#changed(file);
      }
    }
  }

  /** No path is known that leads to it, and no descriptor holds it. What was read stands; what was not is lost. */
  async #absent(file: LogFile, now: number, listings: Listings): Promise<void> {
    if (file.state === "gone") return;
    const since = this.#absentSinceMs.get(file) ?? now;
    this.#absentSinceMs.set(file, since);
    if (!this.#options.listener.isNeeded(file)) {
      // Should it show up again, its inode tells.
      if (now - since > FORGET_AFTER_MS) await this.#forget(file);
      return;
    }
    const listing = await listings.of(dirname(file.path), await this.#opener.rootsOf(file.source));
    // Not to be listed is no proof that it is absent.
    if (listing === undefined) return;
    const found = listing.find(({ stats }) => sameInode(file.identity, stats));
    if (found === undefined) await this.#vanished(file);
    else await this.#place(file, found.path);
  }

  async #forget(file: LogFile): Promise<void> {
    this.#table.remove(file);
    this.#absentSinceMs.delete(file);
    this.#suspects.delete(file);
    await file.close();
    this.#options.listener.forgotten(file);
  }

  /** Something was found out about a file that the next start has to know. */
  remember(file: LogFile): void {
    this.#options.store.record({ kind: "file", file: file.checkpoint() });
  }

  #changed(file: LogFile): void {
    this.#options.store.record({ kind: "file", file: file.checkpoint() });
    this.#options.listener.changed(file);
  }

  #furthest(id: number): Position {
    let furthest = START;
    for (const ofSink of this.#options.store.cursors.values()) {
      const position = ofSink.get(id)?.position;
      if (position !== undefined && position.offset > furthest.offset) furthest = position;
    }
    return furthest;
  }
}

/** Oldest first. Time stamps are coarse; of files that are born in the same tick the names tell. */
function byAge(a: Placing, b: Placing): number {
  if (a.born !== b.born) return a.born < b.born ? -1 : 1;
  return byRotation(a.path, b.path, a.stream);
}
