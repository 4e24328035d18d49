import type { BigIntStats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { describeReadError, errorCode } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { contentOf, keepIf, openConfined, type Opened } from "./confinement.ts";
import type { FileTable } from "./file-table.ts";
import type { Globs } from "./globs.ts";
import { headMatches, sameInode } from "./identity.ts";
import type { LogFile, SourceSettings } from "./log-file.ts";

/** Part of the open files that stays open when one is too many. */
const KEPT_PART = 7 / 8;

/** What a path leads to. `unknown`: it could not be looked at, which says nothing about what is there. */
export type PathState =
  { readonly kind: "file"; readonly stats: BigIntStats } | { readonly kind: "absent" } | { readonly kind: "unknown" };

/** What is told once of a path, until it changes. */
export type FileProblem = "file.refused" | "file.unreadable" | "file.notRemoved";

export interface ToldProblem {
  readonly kind: FileProblem;
  readonly reason: string;
}

/** What came of opening a file anew. */
export type Reopened = "open" | "other" | "moved" | "unavailable";

export interface OpenerOptions {
  readonly globs: ReadonlyMap<SourceSettings, Globs>;
  readonly table: FileTable;
  readonly emit: Emit;
  readonly maxOpenFiles: number;
  /** Whether some sink still has to read the file. */
  readonly isNeeded: (file: LogFile) => boolean;
}

/** Opens files within their roots and within the number of descriptors, and says once what can't be opened. */
export class FileOpener {
  readonly #options: OpenerOptions;
  /**
   * Where each root really is, from when it was first there. An application that replaces the directory by a link later
   * leads nowhere.
   */
  readonly #realRoots = new Map<string, string>();
  /** Paths and reasons that were reported: each is said once, until it changes. */
  readonly #problems = new Map<string, ToldProblem>();
  /** Paths that were found fault with since the last full look. */
  readonly #faulty = new Set<string>();
  readonly #reopening = new Map<LogFile, Promise<Reopened>>();
  /** How many files can be opened before the limit has to be looked at again. */
  #spare = 0;

  constructor(options: OpenerOptions) {
    this.#options = options;
  }

  /** What was told of paths, and stands. */
  get problems(): ReadonlyMap<string, ToldProblem> {
    return this.#problems;
  }

  /** Paths that should be read and can't be. */
  get unreadable(): readonly string[] {
    return [...this.#problems].flatMap(([path, { kind }]) => (kind === "file.unreadable" ? [path] : []));
  }

  async stat(path: string): Promise<PathState> {
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isFile()) return { kind: "file", stats };
      this.report("file.refused", path, "not a regular file");
      return { kind: "absent" };
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return { kind: "absent" };
      if (code === "ELOOP") this.report("file.refused", path, "a loop of symbolic links");
      else this.report("file.unreadable", path, describeReadError(error));
      return { kind: "unknown" };
    }
  }

  /** Looks at one file. An I/O error concerns that file, and passes or is told; it does not end the look at the others. */
  async attempt(path: string, look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.report("file.unreadable", path, describeReadError(error));
    }
  }

  async open(path: string, source: SourceSettings): Promise<Opened | undefined> {
    const opened = await this.#open(path, source);
    return opened === "missing" ? undefined : opened;
  }

  async #open(path: string, source: SourceSettings): Promise<Opened | "missing" | undefined> {
    const opened = await openConfined(path, await this.rootsOf(source));
    if (opened.kind === "opened") return opened;
    if (opened.kind === "missing") return "missing";
    this.report(opened.kind === "refused" ? "file.refused" : "file.unreadable", path, opened.reason);
    return undefined;
  }

  /**
   * Opens a file that was closed for want of descriptors. `other`: the file is there, but begins with other bytes than it
   * had; `moved`: something else is at its path, or nothing.
   */
  async openAgain(file: LogFile): Promise<Reopened> {
    if (file.handle !== undefined) return "open";
    if (file.state === "gone") return "unavailable";
    // Several sinks may ask at once.
    const reopening = this.#reopening.get(file) ?? this.#reopen(file);
    this.#reopening.set(file, reopening);
    try {
      return await reopening;
    } finally {
      this.#reopening.delete(file);
    }
  }

  async #reopen(file: LogFile): Promise<Reopened> {
    const { identity } = file;
    const opened = await this.#open(file.path, file.source);
    if (opened === undefined) return "unavailable";
    if (opened === "missing") return "moved";
    const isSame = sameInode(identity, opened.stats);
    const kept = await keepIf(opened, async () => isSame && headMatches(contentOf(opened), identity.head));
    if (kept === undefined) return isSame ? "other" : "moved";
    file.hold(kept);
    this.#spare -= 1;
    if (this.#spare < 0) await this.limitHandles(file);
    return "open";
  }

  /**
   * Closes handles over the limit, but not that of `except`: first of files that every sink has, then of those that grew
   * least recently. A deleted file lives by its handle and keeps it, and so does one that is in use. Closes some more than it
   * must, so that with many files it need not choose again at each.
   */
  async limitHandles(except?: LogFile): Promise<void> {
    const { maxOpenFiles, table } = this.#options;
    let count = 0;
    for (const file of table.files.values()) if (file.handle !== undefined) count += 1;
    this.#spare = maxOpenFiles - count;
    if (this.#spare >= 0) return;
    const excess = count - Math.ceil(maxOpenFiles * KEPT_PART);
    const open = [...table.files.values()].filter((file) => file.handle !== undefined);
    const closable = open.filter((file) => !file.deleted && !file.isInUse && file !== except);
    const { isNeeded } = this.#options;
    closable.sort((a, b) => Number(isNeeded(a)) - Number(isNeeded(b)) || a.grownAtMs - b.grownAtMs);
    const closed = closable.slice(0, excess);
    for (const file of closed) await file.close();
    this.#spare += closed.length;
  }

  async rootsOf(source: SourceSettings): Promise<readonly string[]> {
    const moved = source.rotated.dirs.filter((directory) => isAbsolute(directory));
    const roots = [...(this.#options.globs.get(source)?.roots ?? []), ...source.allowedRoots, ...moved];
    for (const root of roots) {
      if (this.#realRoots.has(root)) continue;
      const real = await realpath(root).catch(() => undefined);
      if (real !== undefined) this.#realRoots.set(root, real);
    }
    return roots.flatMap((root) => this.#realRoots.get(root) ?? []);
  }

  /** A full look is over: what it did not find fault with is mended, and would be told again. */
  forgetMended(): void {
    for (const path of this.#problems.keys()) if (!this.#faulty.has(path)) this.#problems.delete(path);
    this.#faulty.clear();
  }

  report(kind: FileProblem, path: string, reason: string): void {
    this.#faulty.add(path);
    const told = this.#problems.get(path);
    if (told?.kind === kind && told.reason === reason) return;
    this.#problems.set(path, { kind, reason });
    this.#options.emit({ kind, path, reason });
  }
}
