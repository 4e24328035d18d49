/*
 * A long file: the kinds of looks share what they look at.
 */
import type { BigIntStats } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { CheckpointStore, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { Adoption } from "./adoption.ts";
import { type DirectoryObserver, DirectoryTree, isUnnameable, UNNAMEABLE } from "./discovery.ts";
import { type FileListener, FileLives } from "./file-lives.ts";
import { FileTable } from "./file-table.ts";
import { compileGlobs, type Globs } from "./globs.ts";
import { sameInode } from "./identity.ts";
import type { LogFile, SourceSettings } from "./log-file.ts";
import { FileOpener, type ToldProblem } from "./opener.ts";
import { resumeFiles } from "./resume.ts";
import { Settling } from "./settling.ts";
import { statAll } from "./stat-all.ts";
import { UnseenSearch } from "./unseen-search.ts";

export type { FileListener } from "./file-lives.ts";

/** A file that has not grown for this long is looked at only by full looks and when a hint names it. */
const ACTIVE_MS = 30_000;

/** A sweep looks at so many files at most. Of more it goes round: what looking costs is bounded, however many files grow. */
const SWEEP_FILES = 1_000;

export interface RegistryOptions {
  readonly sources: readonly SourceSettings[];
  readonly store: CheckpointStore;
  readonly listener: FileListener;
  readonly clock: Clock;
  readonly emit: Emit;
  /** When the agent began to run, milliseconds since the epoch. By default it begins now. */
  readonly startedAt?: number | undefined;
  readonly maxOpenFiles: number;
  /** Part of the volume with the path that is free, 0 to 1; undefined if it can't be told. By default it is asked. */
  readonly freePart?: (path: string) => Promise<number | undefined>;
}

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
  readonly #lives: FileLives;
  readonly #adoption: Adoption;
  readonly #settling: Settling;
  /** Since when each source is followed, milliseconds since the epoch. */
  readonly #followedSince: Map<SourceSettings, number>;
  #halted = false;
  #cutShort = false;
  /** How far the sweeps have got among the files that grew lately. */
  #swept = 0;

  constructor(options: RegistryOptions) {
    const { sources, emit, maxOpenFiles } = options;
    this.#options = options;
    const startedAt = options.startedAt ?? options.clock.now();
    this.#followedSince = new Map(sources.map((source) => [source, startedAt]));
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
      liveAt: (stream) => this.#adoption.liveAt(stream),
      targetsOf: (stream) => this.#table.targetsOf(stream),
      isIncluded: (path) => this.#isIncluded(path),
      isKnown: (stats) => this.#table.isKnown(stats) || this.#adoption.isCopying(stats),
      birthOf: (path, stats) => this.#adoption.birthOf(path, stats),
      wasFollowed: (stats) => this.#adoption.wasFollowed(stats),
    });
    const parts = { ...options, table: this.#table, opener: this.#opener, unseen: this.#unseen };
    this.#lives = new FileLives({ ...parts, onNewcomer: (newcomer) => this.#adoption.add(newcomer) });
    this.#adoption = new Adoption({
      ...parts,
      lives: this.#lives,
      isToEnd: this.#isToEnd,
      sourceOf: (path) => this.#sourceOf(path),
      followedSince: (source) => this.#followedSince.get(source) ?? startedAt,
      excludes: (path, source) => this.#globs.get(source)?.excludes(path) !== false,
    });
    this.#settling = new Settling({ ...parts, lives: this.#lives, freePart: options.freePart ?? freePartOf });
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

  /** What is wrong with paths, as it was told last. */
  get problems(): ReadonlyMap<string, ToldProblem> {
    return this.#opener.problems;
  }

  /** Bytes on the disk that only our descriptors keep from being freed. */
  get heldBytes(): number {
    return this.#settling.heldBytes;
  }

  /** Monotonic time of the last growth of any file, or undefined if there is none. */
  get grownAtMs(): number | undefined {
    let latest: number | undefined;
    for (const { grownAtMs } of this.files.values()) latest = Math.max(latest ?? grownAtMs, grownAtMs);
    return latest;
  }

  /** Finds the files of the last run again, wherever they are now, and then everything that matches. Called once, first. */
  async start(): Promise<void> {
    const { store, listener, clock, emit } = this.#options;
    for (const { path, followedSince } of store.streams.values()) {
      const source = this.#sourceOf(path);
      if (source !== undefined) this.#table.streams.remember({ path, source, followedSince });
    }
    this.#rememberSources();
    const rootsOf = (source: SourceSettings): Promise<readonly string[]> => this.#opener.rootsOf(source);
    // Nothing was known of these but that they were empty: what is in them now may be younger than what is found below.
    const wereEmpty = new Set([...store.files.values()].filter(({ size }) => size === 0).map(({ id }) => id));
    const resumed = await resumeFiles({
      store,
      clock,
      rootsOf,
      sourceOf: (path) => this.#sourceOf(path),
      furthest: (id) => this.#lives.furthest(id),
      onAmbiguity: (path, chosen, others) => emit({ kind: "file.ambiguous", path, chosen, others }),
      maxOpenFiles: this.#options.maxOpenFiles,
      isToEnd: this.#isToEnd,
    });
    for (const file of resumed) this.#table.add(file);
    await this.#opener.limitHandles();
    await listener.added(resumed.filter(({ id }) => !wereEmpty.has(id)));
    for (const file of resumed) this.#watchTarget(file);
    const { paths } = await this.#list();
    const there = await this.#visitAll(paths);
    await this.#unseen.wantChanged();
    await this.#takeUp(there);
    await listener.added(resumed.filter(({ id }) => wereEmpty.has(id)));
    await this.#settling.settle(false);
    this.#adoption.forgetFormer();
  }

  /** What an earlier run followed of a source tells since when all of it was. */
  #rememberSources(): void {
    const { store } = this.#options;
    const files = [...store.files.values()].map(({ origin, followedSince }) => ({ path: origin, followedSince }));
    for (const { path, followedSince } of [...files, ...store.streams.values()]) {
      const source = this.#sourceOf(path);
      const known = source && this.#followedSince.get(source);
      if (source !== undefined && known !== undefined) this.#followedSince.set(source, Math.min(known, followedSince));
    }
  }

  /** Looks at everything: the truth that hints only hasten. */
  async lookFully(): Promise<void> {
    const { paths } = await this.#list();
    for (const file of this.files.values()) if (file.state !== "gone") paths.set(file.path, file.source);
    const there = await this.#visitAll(paths);
    await this.#unseen.wantChanged();
    await this.#takeUp(there);
    await this.#settling.settle(true);
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
    const there = await this.#visitAll(paths);
    await this.#unseen.wantChanged();
    await this.#takeUp(there);
    await this.#settling.settle(false);
  }

  /** Looks at the paths that hints named, and with `sweep` at all files that grew lately. */
  async look(hints: Iterable<string>, sweep = true): Promise<void> {
    const paths = new Map<string, SourceSettings>();
    for (const hint of hints) {
      const path = this.#table.linkTo(hint) ?? hint;
      const source = this.#table.at(path)?.source ?? this.#sourceOf(path);
      if (source !== undefined) paths.set(path, source);
    }
    for (const file of this.#lives.suspects) paths.set(file.path, file.source);
    if (sweep) this.#addActive(paths);
    await this.#takeUp(await this.#visitAll(paths, sweep));
    await this.#settling.settle(false);
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
    if (file !== undefined) this.#lives.suspect(file, position);
  }

  /** Opens a file that was closed for want of descriptors. False if it is not to be had now; one that moved is looked for. */
  async reopen(file: LogFile): Promise<boolean> {
    return (await this.#lives.openAgain(file)) === "open";
  }

  /** Something was found out about a file that the next start has to know. */
  remember(file: LogFile): void {
    this.#options.store.record({ kind: "file", file: file.checkpoint() });
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

  /**
   * The agent ends, and with it the descriptors that were all that deleted files still had: what is unread of them is lost,
   * unless there is a copy.
   */
  async giveUpDeleted(): Promise<void> {
    for (const file of this.files.values()) {
      if (!file.deleted || file.state === "gone" || !this.#options.listener.isNeeded(file)) continue;
      if (await this.#settling.moveToCopy(file)) continue;
      file.state = "gone";
      this.#lives.changed(file);
    }
  }

  /** The file, which every sink has, was deleted by its owner: it is forgotten soon. */
  removed(file: LogFile): void {
    this.#table.displace(file);
    file.state = "released";
    file.deleted = true;
  }

  async close(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => file.close()));
  }

  async #list(every = true): Promise<{ paths: Map<string, SourceSettings>; directories: ReadonlySet<string> }> {
    const { paths, directories, problems } = await this.#tree.list(every, this.#isToEnd);
    for (const { kind, path, reason } of problems) this.#opener.report(kind, path, reason);
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

  /** Takes up what this look found. All of it is told at once, so that nothing is read before what is older is known. */
  async #takeUp(listed: ReadonlySet<string>): Promise<void> {
    const added = await this.#adoption.takeUp(listed);
    if (added.length === 0) return;
    for (const file of added) this.#watchTarget(file);
    // What their predecessors got since they were looked at is older than what is in them.
    const streams = new Set(added.map(({ stream }) => stream));
    for (const file of this.files.values()) if (streams.has(file.stream)) await this.#lives.measureNow(file);
    await this.#options.listener.added(added);
    await this.#opener.limitHandles();
  }

  /** Where a link leads to, changes show in another directory than its own. */
  #watchTarget({ target }: LogFile): void {
    if (target !== undefined) this.#tree.observer?.appeared(dirname(target));
  }

  /** A file that two sources match belongs to the first. */
  #sourceOf(path: string): SourceSettings | undefined {
    for (const [source, globs] of this.#globs) if (globs.matches(path)) return source;
    return undefined;
  }

  /** Looks at each of the paths. Returns those that something is at. */
  async #visitAll(paths: ReadonlyMap<string, SourceSettings>, sweep = true): Promise<ReadonlySet<string>> {
    const there = new Set<string>();
    for await (const [path, stats] of statAll(paths.keys())) {
      if (this.#isToEnd()) return there;
      if (stats !== undefined) there.add(path);
      const source = paths.get(path);
      if (source === undefined || (stats !== undefined && this.#isUnchanged(path, stats))) continue;
      await this.#opener.attempt(path, () => this.#visit(path, source));
    }
    await this.#lives.findMissing();
    if (!sweep) return there;
    for (const file of this.files.values()) if (file.state === "rotated") await this.#lives.measureOpen(file);
    return there;
  }

  /** Whether there is nothing to do about the path. Most paths of most looks end here. */
  #isUnchanged(path: string, stats: BigIntStats): boolean {
    const file = this.#table.at(path);
    return (
      file !== undefined &&
      sameInode(file.identity, stats) &&
      this.#table.withInode(stats)?.file === file &&
      (file.compression !== undefined || Number(stats.size) === file.readableSize) &&
      stats.mtimeNs === file.mtimeNs &&
      !this.#lives.isSuspect(file)
    );
  }

  async #visit(path: string, source: SourceSettings): Promise<void> {
    const found = await this.#opener.stat(path);
    if (found.kind === "unknown") return;
    const believed = this.#table.at(path);
    if (found.kind === "absent" && believed === undefined && isUnnameable(path))
      this.#opener.report("file.unreadable", path, UNNAMEABLE);
    const stats = found.kind === "file" ? found.stats : undefined;
    if (believed !== undefined && (stats === undefined || !sameInode(believed.identity, stats)))
      await this.#lives.moved(believed);
    if (stats === undefined) return;
    const known = this.#table.withInode(stats);
    if (known?.isSame === true) {
      if (known.file.path !== path || !this.#table.isPlaced(known.file))
        await this.#lives.seenElsewhere(known.file, path);
      return this.#lives.measure(known.file, stats);
    }
    if (known !== undefined) await this.#lives.vanished(known.file);
    // Not again what is known to be another form of a followed file.
    if (this.#sourceOf(path) !== undefined && !this.#table.isKnown(stats)) this.#adoption.found(path, source, stats);
  }
}

const freePartOf = (path: string): Promise<number | undefined> =>
  statfs(path).then(
    ({ bavail, blocks }) => (blocks === 0 ? undefined : bavail / blocks),
    () => undefined,
  );
