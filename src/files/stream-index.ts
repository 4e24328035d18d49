import { dirname } from "node:path";
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

  get directories(): Iterable<string> {
    return this.#byDirectory.keys();
  }

  inDirectory(directory: string): ReadonlyMap<string, StreamEntry> {
    return this.#byDirectory.get(directory) ?? new Map();
  }

  get(stream: string): StreamEntry | undefined {
    return this.#byDirectory.get(dirname(stream))?.get(stream);
  }

  add({ stream, source, followedSince }: LogFile): void {
    const directory = dirname(stream);
    const streams = this.#byDirectory.get(directory) ?? new Map<string, StreamEntry & { files: number }>();
    const known = streams.get(stream);
    const since = Math.min(followedSince, known?.followedSince ?? followedSince);
    streams.set(stream, { path: stream, source, followedSince: since, files: (known?.files ?? 0) + 1 });
    this.#byDirectory.set(directory, streams);
  }

  remove({ stream }: LogFile): void {
    const directory = dirname(stream);
    const streams = this.#byDirectory.get(directory);
    const entry = streams?.get(stream);
    if (streams === undefined || entry === undefined) return;
    entry.files -= 1;
    if (entry.files === 0) streams.delete(stream);
    if (streams.size === 0) this.#byDirectory.delete(directory);
  }
}
