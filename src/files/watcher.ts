import type { Stats } from "node:fs";
import { type FSWatcher, watch } from "chokidar";
import { describeError } from "../core/errors.ts";

/** A directory tree in which files can appear. */
export interface WatchedTree {
  readonly root: string;
  /** Levels below the root that can hold a match; may be infinite. */
  readonly depth: number;
  readonly matches: (path: string) => boolean;
}

export interface Watcher {
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly trees: readonly WatchedTree[];
  /** Called with a path that changed, appeared or vanished. Only a hint: what happened is found out by looking. */
  readonly onHint: (path: string) => void;
  /** Watching failed, for want of inotify handles for example: from now on hints may be missing. */
  readonly onError: (reason: string) => void;
}

/** Begins to watch directory trees for hints that something changed. */
export type Watch = (options: WatchOptions) => Watcher;

export const watchForHints: Watch = ({ trees, onHint, onError }) => {
  const watchers = trees.map((tree) => watchTree(tree, onHint, onError));
  return {
    close: async () => {
      await Promise.all(watchers.map((watcher) => watcher.close()));
    },
  };
};

function watchTree(
  { root, depth, matches }: WatchedTree,
  onHint: WatchOptions["onHint"],
  onError: WatchOptions["onError"],
): FSWatcher {
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    // A directory that must not be looked into is told by the listing, and no reason to distrust all the others.
    ignorePermissionErrors: true,
    // Both would hold events back to spare consumers of whole files; a follower wants each one at once.
    awaitWriteFinish: false,
    atomic: false,
    // What can't match is not watched, for a watch costs kilobytes, and the tree may be a whole application's.
    ...(Number.isFinite(depth) ? { depth } : {}),
    ignored: (path: string, stats?: Stats) => stats?.isFile() === true && !matches(path),
  });
  watcher.on("all", (_event, path) => onHint(path));
  watcher.on("error", (error) => onError(describeError(error)));
  return watcher;
}
