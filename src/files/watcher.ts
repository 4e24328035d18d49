import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import { describeError, errorCode } from "../core/errors.ts";

export interface WatcherOptions {
  /**
   * Called with a path in a watched directory that changed (`isEntry` false), or that came, went or was renamed. Only a
   * hint: what happened is found out by looking.
   */
  readonly onHint: (path: string, isEntry: boolean) => void;
  /** Watching failed, for want of inotify watches for example: from now on hints may be missing. */
  readonly onFailed: (reason: string) => void;
}

/** Where hints of changes come from. */
export interface Watcher {
  /** Whether hints can be relied on, as far as is known. */
  readonly isReliable: boolean;
  /** Watches the directory, if it is not watched and was not refused. A hint follows, for what fell in between. */
  add(directory: string): void;
  /** Asks again for the watches that were refused. */
  retry(): void;
  /** Another directory has taken its place, or none: what was watched is not there any more. */
  drop(directory: string): void;
  /** Drops the directories that are no longer wanted. */
  retain(wanted: ReadonlySet<string>): void;
  /** Looks whether events of a root can be believed: other machines may write there. */
  probe(root: string): Promise<void>;
  close(): Promise<void>;
}

export type Watch = (options: WatcherOptions) => Watcher;

export const watchForHints: Watch = (options) => new DirectoryWatcher(options);

/** No more of them to be had, or none at all on this kernel. What else fails concerns one directory, and its listing tells it. */
const EXHAUSTED = new Set(["EMFILE", "ENFILE", "ENOSPC", "ENOMEM", "ENOSYS"]);

/**
 * File systems where inotify sees what is done on this machine only. Magic numbers as statfs(2) lists them; FUSE is among
 * them because many network file systems are mounted through it.
 */
const NETWORK_FILE_SYSTEMS = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9P"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x65735546, "FUSE"],
]);

/**
 * Watches directories for hints that something changed in them. chokidar is told to ignore all but the directories: that
 * is one watch each and none for a file, and inotify tells of a write to any file of a watched directory, so thousands of
 * files cost nothing more. What it tells so is its `raw` event; it compares no listings.
 */
class DirectoryWatcher implements Watcher {
  readonly #options: WatcherOptions;
  readonly #chokidar: FSWatcher;
  /** Directories that are watched, or will be in a moment. */
  readonly #watched = new Set<string>();
  /** Directories for which there was no watch to be had. */
  readonly #unwatched = new Set<string>();
  /** Whether it was told that watches are missing. */
  #isTold = false;
  readonly #onNetwork = new Set<string>();

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#chokidar = watch([], {
      // What is watched is no reason for the process to live.
      persistent: false,
      depth: 0,
      followSymlinks: false,
      // A directory that must not be looked into is told by the listing, and no reason to distrust all the others.
      ignorePermissionErrors: true,
      // Both would hold events back to spare consumers of whole files; a follower wants each one at once.
      awaitWriteFinish: false,
      atomic: false,
      ignored: (path: string) => !this.#watched.has(path),
    });
    this.#chokidar.on("raw", (event, name, details) => this.#hint(details, name, event === "rename"));
    this.#chokidar.on("addDir", (directory) => {
      // What happened between the listing and the watch made no event.
      if (this.#watched.has(directory)) options.onHint(directory, true);
    });
    this.#chokidar.on("error", (error) => this.#failed(error));
  }

  get isReliable(): boolean {
    return this.#unwatched.size === 0 && this.#onNetwork.size === 0;
  }

  add(directory: string): void {
    if (this.#watched.has(directory) || this.#unwatched.has(directory)) return;
    this.#watched.add(directory);
    this.#chokidar.add(directory);
  }

  retry(): void {
    const refused = [...this.#unwatched];
    this.#isTold = refused.length > 0;
    this.#unwatched.clear();
    for (const directory of refused) this.add(directory);
  }

  drop(directory: string): void {
    if (this.#watched.delete(directory)) this.#chokidar.unwatch(directory);
    this.#unwatched.delete(directory);
    this.#onNetwork.delete(directory);
  }

  retain(wanted: ReadonlySet<string>): void {
    for (const known of [...this.#watched, ...this.#unwatched]) if (!wanted.has(known)) this.drop(known);
  }

  async probe(root: string): Promise<void> {
    const type = await statfs(root).then((stats) => stats.type, () => undefined); // prettier-ignore
    const name = NETWORK_FILE_SYSTEMS.get(type ?? 0);
    if (name === undefined) this.#onNetwork.delete(root);
    else if (!this.#onNetwork.has(root)) {
      this.#onNetwork.add(root);
      this.#options.onFailed(`${root} is on ${name}, where events of other machines are missing`);
    }
  }

  close(): Promise<void> {
    return this.#chokidar.close();
  }

  /** The event's name is relative to the directory that its details give. */
  #hint(details: unknown, name: string | null, isEntry: boolean): void {
    if (typeof details !== "object" || details === null || !("watchedPath" in details)) return;
    const { watchedPath: directory } = details;
    if (typeof directory !== "string" || !this.#watched.has(directory)) return;
    this.#options.onHint(name === null ? directory : join(directory, name), isEntry);
  }

  /** One that names no directory of ours leaves all of them in doubt. */
  #failed(error: unknown): void {
    if (!EXHAUSTED.has(errorCode(error) ?? "")) return;
    const named = error instanceof Error && "path" in error ? String(error.path) : "";
    for (const directory of this.#watched.has(named) ? [named] : [...this.#watched]) {
      this.drop(directory);
      this.#unwatched.add(directory);
    }
    if (!this.#isTold) this.#options.onFailed(describeError(error));
    this.#isTold = true;
  }
}
