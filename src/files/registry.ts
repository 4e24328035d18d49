import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { CheckpointStore, Position } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { errorCode } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { START } from "../core/position.ts";
import { openConfined, type OpenResult, whereIs } from "./confinement.ts";
import { listFiles } from "./discovery.ts";
import { compileGlobs, type Globs } from "./globs.ts";
import { HEAD_BYTES, headMatches, positionAt, readHead, sameBirth, sameInode, tailAt } from "./identity.ts";
import { inodeKey, inodeKeyOf, LogFile, type SourceSettings } from "./log-file.ts";
import { resolveCheckpoint } from "./resume.ts";
import { liveNameOf } from "./rotation-names.ts";
import { bornAt, findCopy, unseenGenerations } from "./siblings.ts";

/** A file that has not grown for this long is looked at only by full looks and when a hint names it. */
const ACTIVE_MS = 60_000;

/** An absent file is forgotten after this long: its volume may come back before. */
const FORGET_AFTER_MS = 24 * 3_600_000;

export interface FileListener {
  /** New files, oldest first. They are read only after this has resolved: their first cursors must be durable by then. */
  added(files: readonly LogFile[]): Promise<void>;
  /** The file grew or changed its state. */
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

interface Newcomer {
  readonly path: string;
  readonly source: SourceSettings;
  readonly stats: BigIntStats;
  /** The live path it belongs to, if that is known. */
  readonly stream?: string;
}

/**
 * Which files there are, and who they are. One loop calls `look`; nothing here runs by itself. A look stats paths,
 * compares what it finds with what is known, and tells the listener. A path is only where a file was last seen: what
 * counts is the inode with its birth time, and the content where those can deceive.
 */
export class FileRegistry {
  readonly files = new Map<number, LogFile>();
  readonly #options: RegistryOptions;
  readonly #globs: ReadonlyMap<SourceSettings, Globs>;
  readonly #byInode = new Map<string, LogFile>();
  readonly #byPath = new Map<string, LogFile>();
  /** Files whose reader found other bytes before its position than it had left there. */
  readonly #suspects = new Map<LogFile, Position>();
  /** Paths and reasons that were reported: each is said once, until it changes. */
  readonly #problems = new Map<string, string>();
  readonly #absentSinceMs = new Map<LogFile, number>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#globs = new Map(options.sources.map((source) => [source, compileGlobs(source.include, source.exclude)]));
  }

  get roots(): readonly string[] {
    return [...new Set([...this.#globs.values()].flatMap((globs) => globs.roots))];
  }

  /** Monotonic time of the last growth of any file, or undefined if there is none. */
  get grownAtMs(): number | undefined {
    const times = [...this.files.values()].map((file) => file.grownAtMs);
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
  }

  /** Finds the files of the last run again, wherever they are now, and then everything that matches. Called once, first. */
  async start(): Promise<void> {
    const { store, sources, listener } = this.#options;
    const restored: LogFile[] = [];
    for (const checkpoint of [...store.files.values()].sort((a, b) => a.id - b.id)) {
      const source = sources.find(({ name }) => name === checkpoint.source);
      if (source === undefined) continue;
      const position = this.#furthest(checkpoint.id);
      const file = await resolveCheckpoint(checkpoint, {
        source,
        position,
        roots: this.#rootsOf(source),
        clock: this.#options.clock,
      });
      this.files.set(file.id, file);
      restored.push(file);
      if (file.state === "gone") continue;
      this.#byInode.set(inodeKeyOf(file.identity), file);
      this.#byPath.set(file.path, file);
    }
    await listener.added(restored);
    const newest = new Map(restored.map((file) => [file.stream, file]));
    const newcomers: Newcomer[] = [];
    for (const file of newest.values()) newcomers.push(...(await this.#unseen(file)));
    await this.#lookAt(await this.#list(), newcomers);
    await this.#settle();
  }

  /** Looks at everything: the truth that hints only hasten. */
  async lookFully(): Promise<void> {
    const paths = await this.#list();
    for (const file of this.files.values()) if (file.state !== "gone") paths.set(file.path, file.source);
    await this.#lookAt(paths, []);
    await this.#settle(true);
  }

  /** Looks at files that grew lately and at the paths that hints named. */
  async look(hints: Iterable<string>): Promise<void> {
    const paths = new Map<string, SourceSettings>();
    for (const path of hints) {
      const source = this.#byPath.get(path)?.source ?? this.#sourceOf(path);
      if (source !== undefined) paths.set(path, source);
    }
    const now = this.#options.clock.elapsed();
    for (const file of this.files.values()) {
      const active = file.canGrow && now - file.grownAtMs < ACTIVE_MS;
      if (active || this.#suspects.has(file)) paths.set(file.path, file.source);
      // While its writers move over to a successor, the live path of a rotated file is worth a look too.
      if (active && file.state === "rotated" && this.#sourceOf(file.stream) === file.source)
        paths.set(file.stream, file.source);
    }
    await this.#lookAt(paths, []);
    await this.#settle();
  }

  /** A reader found that the bytes before `position` are others than those it read. The next look decides what happened. */
  suspect(id: number, position: Position): void {
    const file = this.files.get(id);
    if (file !== undefined) this.#suspects.set(file, position);
  }

  /** Opens a file that was closed for want of descriptors. False if it is out of reach. */
  async reopen(file: LogFile): Promise<boolean> {
    if (file.handle !== undefined) return true;
    const opened = await this.#open(file.path, file.source);
    if (opened === undefined) return false;
    if (!sameInode(file.identity, opened.stats) || !(await headMatches(opened.handle, file.identity.head))) {
      await opened.handle.close();
      return false;
    }
    file.handle = opened.handle;
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([...this.files.values()].map((file) => this.#closeHandle(file)));
  }

  async #list(): Promise<Map<string, SourceSettings>> {
    const paths = new Map<string, SourceSettings>();
    for (const [source, globs] of this.#globs) {
      const listing = await listFiles(globs);
      for (const { path, reason } of listing.problems) this.#report("file.unreadable", path, reason);
      // A file that two sources match belongs to the first.
      for (const path of listing.paths) if (!paths.has(path)) paths.set(path, source);
    }
    return paths;
  }

  #sourceOf(path: string): SourceSettings | undefined {
    for (const [source, globs] of this.#globs) if (globs.matches(path)) return source;
    return undefined;
  }

  async #lookAt(paths: ReadonlyMap<string, SourceSettings>, newcomers: Newcomer[]): Promise<void> {
    for (const [path, source] of paths) await this.#visit(path, source, newcomers);
    for (const file of this.files.values()) {
      if (file.state === "rotated" && file.handle !== undefined)
        await this.#measure(file, await file.handle.stat({ bigint: true }), newcomers);
    }
    await this.#adopt(newcomers, paths);
  }

  async #visit(path: string, source: SourceSettings, newcomers: Newcomer[]): Promise<void> {
    const believed = this.#byPath.get(path);
    const stats = await this.#stat(path);
    if (believed !== undefined && (stats === undefined || !sameInode(believed.identity, stats)))
      await this.#moved(believed, newcomers);
    if (stats === undefined) return;
    const known = this.#byInode.get(inodeKey(stats));
    if (known !== undefined && !sameBirth(known.identity, stats)) await this.#vanished(known);
    else if (known !== undefined) {
      if (known.path !== path) await this.#seenElsewhere(known, path, newcomers);
      return this.#measure(known, stats, newcomers);
    }
    if (this.#sourceOf(path) !== undefined) newcomers.push({ path, source, stats });
  }

  /** The path no longer leads to the file. The descriptor knows where it stands now. */
  async #moved(file: LogFile, newcomers: Newcomer[]): Promise<void> {
    this.#byPath.delete(file.path);
    const from = file.path;
    if (file.handle === undefined) {
      // Closed for want of descriptors: a listing may still find it under another name.
      this.#absentSinceMs.set(file, this.#options.clock.elapsed());
    } else {
      const place = await whereIs(file.handle);
      file.deleted = place.deleted;
      if (!place.deleted) {
        file.path = place.path;
        this.#byPath.set(place.path, file);
      }
    }
    if (file.state !== "live") return;
    file.state = "rotated";
    if (file.deleted)
      this.#options.emit({ kind: "file.deleted", path: from, unreadBytes: file.size - this.#furthest(file.id).offset });
    else this.#options.emit({ kind: "file.rotated", path: from, now: file.path });
    this.#changed(file);
    newcomers.push(...(await this.#unseen(file)));
  }

  /** A known file shows up under another path: it was renamed, unless its own path leads to it too (a link). */
  async #seenElsewhere(file: LogFile, path: string, newcomers: Newcomer[]): Promise<void> {
    const stats = await this.#stat(file.path);
    if (stats !== undefined && sameInode(file.identity, stats)) return;
    if (this.#byPath.get(file.path) === file) await this.#moved(file, newcomers);
    this.#absentSinceMs.delete(file);
    file.path = path;
    file.deleted = false;
    this.#byPath.set(path, file);
    this.#changed(file);
  }

  async #measure(file: LogFile, stats: BigIntStats, newcomers: Newcomer[]): Promise<void> {
    const size = Number(stats.size);
    const suspicion = this.#suspects.get(file);
    this.#suspects.delete(file);
    if (size < file.size) return this.#replaced(file, stats, newcomers);
    if (size === file.size && stats.mtimeNs === file.mtimeNs && suspicion === undefined) return;
    if (!(await this.#holdsItsBytes(file, suspicion ?? this.#furthest(file.id))))
      return this.#replaced(file, stats, newcomers);
    file.mtimeNs = stats.mtimeNs;
    if (size === file.size) return;
    if (file.state !== "live") file.state = "rotated";
    file.size = size;
    file.grownAtMs = this.#options.clock.elapsed();
    this.#changed(file);
  }

  /** Whether the file begins as it did and has the same bytes before the position: a rewrite that keeps or passes the size shows here. */
  async #holdsItsBytes(file: LogFile, position: Position): Promise<boolean> {
    if (!(await this.reopen(file)) || file.handle === undefined) return false;
    const { head } = file.identity;
    if (head.length < HEAD_BYTES) {
      if (!(await headMatches(file.handle, head))) return false;
      file.identity = { ...file.identity, head: await readHead(file.handle) };
    }
    return tailHolds(file, position);
  }

  /** Truncated or rewritten: the old generation goes on in its copy, if there is one; the path begins a new generation. */
  async #replaced(file: LogFile, stats: BigIntStats, newcomers: Newcomer[]): Promise<void> {
    const { path, source, stream } = file;
    this.#options.emit({ kind: "file.truncated", path, size: Number(stats.size), seen: file.size });
    await this.#vanished(file);
    newcomers.push({ path, source, stats, stream });
  }

  /** The file's bytes are no longer where they were. A proven copy takes its place, else they are out of reach. */
  async #vanished(file: LogFile): Promise<void> {
    this.#byInode.delete(inodeKeyOf(file.identity));
    if (this.#byPath.get(file.path) === file) this.#byPath.delete(file.path);
    await this.#closeHandle(file);
    const copy = await findCopy({
      file,
      position: this.#furthest(file.id),
      roots: this.#rootsOf(file.source),
      isKnown: (stats) => this.#byInode.has(inodeKey(stats)) || sameInode(file.identity, stats),
    });
    if (copy === undefined) {
      file.state = "gone";
    } else {
      const { handle, stats, realPath } = copy;
      file.state = "rotated";
      file.handle = handle;
      file.path = realPath;
      file.identity = { device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs, head: file.identity.head };
      file.size = Math.max(file.size, Number(stats.size));
      file.mtimeNs = stats.mtimeNs;
      this.#byInode.set(inodeKey(stats), file);
      this.#byPath.set(realPath, file);
    }
    this.#changed(file);
  }

  async #unseen(file: LogFile): Promise<readonly Newcomer[]> {
    const found = await unseenGenerations(file, (stats) => this.#byInode.has(inodeKey(stats)));
    return found.map((sibling) => ({ ...sibling, source: file.source, stream: file.stream }));
  }

  async #adopt(newcomers: readonly Newcomer[], listed: ReadonlyMap<string, SourceSettings>): Promise<void> {
    const added: LogFile[] = [];
    const oldestFirst = [...newcomers].sort((a, b) => (bornAt(a.stats) < bornAt(b.stats) ? -1 : 1));
    for (const { path, source, stream } of oldestFirst) {
      const opened = await this.#open(path, source);
      if (opened === undefined) continue;
      if (
        this.#byInode.has(inodeKey(opened.stats)) ||
        (stream !== undefined && stream !== path && (await this.#isCopy(opened, stream)))
      ) {
        await opened.handle.close();
        continue;
      }
      const file = await this.#create(path, source, opened, stream ?? this.#streamOf(path, listed));
      added.push(file);
    }
    if (added.length === 0) return;
    await this.#options.listener.added(added);
    await this.#limitHandles();
  }

  async #create(
    path: string,
    source: SourceSettings,
    opened: OpenResult & { kind: "opened" },
    stream: string,
  ): Promise<LogFile> {
    const { handle, stats } = opened;
    const { clock, store } = this.#options;
    const file = new LogFile({
      id: store.nextFileId(),
      source,
      origin: stream === path || this.#sourceOf(path) !== undefined ? path : stream,
      stream,
      path,
      identity: { device: stats.dev, inode: stats.ino, birthtimeNs: stats.birthtimeNs, head: await readHead(handle) },
      size: Number(stats.size),
      mtimeNs: stats.mtimeNs,
      grownAtMs: clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs)),
    });
    file.handle = handle;
    if (stream !== path) file.state = "rotated";
    this.files.set(file.id, file);
    this.#byInode.set(inodeKey(stats), file);
    this.#byPath.set(path, file);
    store.record({ kind: "file", file: file.checkpoint() });
    return file;
  }

  /** The live path a newly found path belongs to: `app.log` for `app.log.1`, if that is there. */
  #streamOf(path: string, listed: ReadonlyMap<string, SourceSettings>): string {
    const directory = dirname(path);
    const live = liveNameOf(
      basename(path),
      (name) => listed.has(join(directory, name)) || this.#byPath.has(join(directory, name)),
    );
    return live === undefined ? path : join(directory, live);
  }

  /** Whether an unseen generation is only a copy of content that is followed already. */
  async #isCopy({ handle, stats }: OpenResult & { kind: "opened" }, stream: string): Promise<boolean> {
    for (const file of this.files.values()) {
      const position = this.#furthest(file.id);
      if (file.stream !== stream || position.offset === 0 || stats.size < BigInt(position.offset)) continue;
      if (!(await headMatches(handle, file.identity.head))) continue;
      if ((await positionAt(handle, position.offset))?.crc === position.crc) return true;
    }
    return false;
  }

  /** Moves files on in their life: grace over, read to the end, out of use. */
  async #settle(afterFullLook = false): Promise<void> {
    const { clock, listener, emit } = this.#options;
    const now = clock.elapsed();
    for (const file of this.files.values()) {
      if (file.state === "rotated" && now - file.grownAtMs >= file.source.rotated.grace) {
        file.state = "final";
        this.#changed(file);
      }
      if (afterFullLook && file.handle === undefined && this.#byPath.get(file.path) !== file) this.#absent(file, now);
      if (listener.isNeeded(file)) continue;
      if (file.state === "gone" || (file.state === "released" && file.deleted)) this.#forget(file);
      else if (file.state === "final") {
        file.state = "released";
        await this.#closeHandle(file);
        emit({ kind: "file.released", path: file.path });
        this.#changed(file);
      }
    }
  }

  /** No listing shows it and no descriptor holds it. What was read stands; what was not is lost. */
  #absent(file: LogFile, now: number): void {
    if (file.state === "gone") return;
    const since = this.#absentSinceMs.get(file) ?? now;
    this.#absentSinceMs.set(file, since);
    if (this.#options.listener.isNeeded(file)) {
      file.state = "gone";
      this.#changed(file);
    } else if (now - since > FORGET_AFTER_MS) this.#forget(file);
  }

  #forget(file: LogFile): void {
    this.files.delete(file.id);
    this.#absentSinceMs.delete(file);
    if (this.#byInode.get(inodeKeyOf(file.identity)) === file) this.#byInode.delete(inodeKeyOf(file.identity));
    if (this.#byPath.get(file.path) === file) this.#byPath.delete(file.path);
    this.#options.listener.forgotten(file);
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

  #rootsOf(source: SourceSettings): readonly string[] {
    return [...(this.#globs.get(source)?.roots ?? []), ...source.allowedRoots];
  }

  async #open(path: string, source: SourceSettings): Promise<(OpenResult & { kind: "opened" }) | undefined> {
    const opened = await openConfined(path, this.#rootsOf(source));
    if (opened.kind === "opened") {
      this.#problems.delete(path);
      return opened;
    }
    if (opened.kind !== "missing")
      this.#report(opened.kind === "refused" ? "file.refused" : "file.unreadable", path, opened.reason);
    return undefined;
  }

  async #stat(path: string): Promise<BigIntStats | undefined> {
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isFile()) return stats;
      this.#report("file.refused", path, "not a regular file");
    } catch (error) {
      const code = errorCode(error);
      if (code !== "ENOENT" && code !== "ENOTDIR") this.#report("file.unreadable", path, code ?? String(error));
    }
    return undefined;
  }

  #report(kind: "file.refused" | "file.unreadable", path: string, reason: string): void {
    if (this.#problems.get(path) === reason) return;
    this.#problems.set(path, reason);
    this.#options.emit({ kind, path, reason });
  }

  /** Closes the handles of the files that grew least recently. A deleted file lives by its handle and keeps it. */
  async #limitHandles(): Promise<void> {
    const open = [...this.files.values()].filter((file) => file.handle !== undefined);
    if (open.length <= this.#options.maxOpenFiles) return;
    const closable = open.filter((file) => !file.deleted).sort((a, b) => a.grownAtMs - b.grownAtMs);
    for (const file of closable.slice(0, open.length - this.#options.maxOpenFiles)) await this.#closeHandle(file);
  }

  async #closeHandle(file: LogFile): Promise<void> {
    const handle = file.handle;
    file.handle = undefined;
    await handle?.close();
  }
}

async function tailHolds(file: LogFile, position: Position): Promise<boolean> {
  if (position.offset === 0 || file.handle === undefined) return true;
  return (await tailAt(file.handle, position.offset)) === position.tail;
}
