import { type FSWatcher, watch } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
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
  /** Watches the directory, if it is not watched. Called before the directory is listed, so that nothing falls in between. */
  add(directory: string): void;
  /** Another directory has taken its place, or none: what was watched is not there any more. */
  drop(directory: string): void;
  /** Drops the directories that are no longer wanted. */
  retain(wanted: ReadonlySet<string>): void;
  /** Looks whether events of a root can be believed: other machines may write there. */
  probe(root: string): Promise<void>;
  close(): void;
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
 * Watches directories for hints that something changed in them. One watch a directory, none for its files: inotify tells
 * of a write to any file of a watched directory, so thousands of files cost nothing more.
 */
class DirectoryWatcher implements Watcher {
  readonly #options: WatcherOptions;
  readonly #watches = new Map<string, FSWatcher>();
  /** Directories for which there was no watch to be had. */
  readonly #unwatched = new Set<string>();
  readonly #onNetwork = new Set<string>();

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  get isReliable(): boolean {
    return this.#unwatched.size === 0 && this.#onNetwork.size === 0;
  }

  add(directory: string): void {
    if (this.#watches.has(directory)) return;
    try {
      // What is watched is no reason for the process to live.
      const watcher = watch(directory, { persistent: false }, (event, name) => {
        this.#options.onHint(name === null ? directory : join(directory, name), event === "rename");
      });
      watcher.on("error", (error) => this.#failed(directory, error));
      this.#watches.set(directory, watcher);
      this.#unwatched.delete(directory);
    } catch (error) {
      this.#failed(directory, error);
    }
  }

  drop(directory: string): void {
    this.#watches.get(directory)?.close();
    this.#watches.delete(directory);
    this.#unwatched.delete(directory);
    this.#onNetwork.delete(directory);
  }

  retain(wanted: ReadonlySet<string>): void {
    for (const known of [...this.#watches.keys(), ...this.#unwatched]) if (!wanted.has(known)) this.drop(known);
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

  close(): void {
    for (const directory of this.#watches.keys()) this.drop(directory);
  }

  #failed(directory: string, error: unknown): void {
    // It is tried again with every full look, and told once.
    const isFirst = this.#unwatched.size === 0;
    this.drop(directory);
    if (!EXHAUSTED.has(errorCode(error) ?? "")) return;
    if (isFirst) this.#options.onFailed(describeError(error));
    this.#unwatched.add(directory);
  }
}
