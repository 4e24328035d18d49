import { watch } from "chokidar";
import { describeError } from "../core/errors.ts";

export interface Watcher {
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly roots: readonly string[];
  /** Called with a path that changed, appeared or vanished. Only a hint: what happened is found out by looking. */
  readonly onHint: (path: string) => void;
  /** Watching failed, for want of inotify handles for example: from now on hints may be missing. */
  readonly onError: (reason: string) => void;
}

/** Watches directory trees for hints that something changed. */
export function watchForHints({ roots, onHint, onError }: WatchOptions): Watcher {
  const watcher = watch([...roots], {
    ignoreInitial: true,
    followSymlinks: false,
    // Both would hold events back to spare consumers of whole files; a follower wants each one at once.
    awaitWriteFinish: false,
    atomic: false,
  });
  watcher.on("all", (_event, path) => onHint(path));
  watcher.on("error", (error) => onError(describeError(error)));
  return { close: () => watcher.close() };
}
