import { dirname } from "node:path";
import { MAX_EMPTY_STREAMS } from "../core/checkpoint.ts";
import type { LogFile, SourceSettings } from "./log-file.ts";

/** A live path whose generations are followed. */
export interface StreamEntry {
  readonly path: string;
  readonly source: SourceSettings;
  /** Since when, milliseconds since the epoch: the earliest of its generations. */
  readonly followedSince: number;
}

/** The streams of the followed files by directory, so that a search in one need not walk over all files. */
export class StreamIndex {
  readonly #byDirectory = new Map<string, Map<string, StreamEntry & { files: number }>>();
  /** The paths of streams whose files are all forgotten, in that order. */
  readonly #empty = new Set<string>();

  get directories(): Iterable<string> {
    return this.#byDirectory.keys();
  }

  inDirectory(directory: string): ReadonlyMap<string, StreamEntry> {
    return this.#byDirectory.get(directory) ?? new Map();
  }

  get(stream: string): StreamEntry | undefined {
    return this.#byDirectory.get(dirname(stream))?.get(stream);
  }

  /** A stream that had files in an earlier run. */
  remember(entry: StreamEntry): void {
    this.#put({ ...entry, files: 0 });
    this.#leave(entry.path);
  }

  add({ stream, source, followedSince }: LogFile): void {
    const known = this.#byDirectory.get(dirname(stream))?.get(stream);
    const since = Math.min(followedSince, known?.followedSince ?? followedSince);
    this.#put({ path: stream, source, followedSince: since, files: (known?.files ?? 0) + 1 });
    this.#empty.delete(stream);
  }

  /**
   * Takes a file away, and returns its stream if that was the last one. What comes to be at its path after the file was last
   * written to, and is rotated before a look, is searched for still.
   */
  remove({ stream, mtimeNs }: LogFile): StreamEntry | undefined {
    const known = this.#byDirectory.get(dirname(stream))?.get(stream);
    if (known === undefined) return undefined;
    if (known.files > 1) {
      this.#put({ ...known, files: known.files - 1 });
      return undefined;
    }
    const entry = { ...known, files: 0, followedSince: Math.max(known.followedSince, Number(mtimeNs / 1_000_000n)) };
    this.#put(entry);
    this.#leave(stream);
    return entry;
  }

  #put(entry: StreamEntry & { files: number }): void {
    const directory = dirname(entry.path);
    const streams = this.#byDirectory.get(directory) ?? new Map<string, StreamEntry & { files: number }>();
    this.#byDirectory.set(directory, streams.set(entry.path, entry));
  }

  #leave(stream: string): void {
    this.#empty.add(stream);
    const [oldest] = this.#empty;
    if (this.#empty.size > MAX_EMPTY_STREAMS && oldest !== undefined) this.#drop(oldest);
  }

  #drop(stream: string): void {
    const streams = this.#byDirectory.get(dirname(stream));
    this.#empty.delete(stream);
    streams?.delete(stream);
    if (streams?.size === 0) this.#byDirectory.delete(dirname(stream));
  }
}
