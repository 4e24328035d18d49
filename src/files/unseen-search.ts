import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { BigIntStats } from "node:fs";
import type { Clock } from "../core/clock.ts";
import { inodeKey, type SourceSettings } from "./log-file.ts";
import { type BirthOf, type Generation, linkedGenerations, unseenGenerations } from "./siblings.ts";
import { isArchiveName } from "./rotation-names.ts";
import type { StreamEntry, StreamIndex } from "./stream-index.ts";

/** Time stamps of directories are coarse: a change within this time of a search may not show. */
const SAME_TICK_MS = 1_000;

export interface UnseenFile extends Generation {
  readonly source: SourceSettings;
}

/** What is at a live path now. */
export interface Live {
  readonly stats: BigIntStats;
  /** When its content began, nanoseconds since the epoch. */
  readonly born: bigint;
}

export interface UnseenSearchOptions {
  readonly streams: StreamIndex;
  readonly clock: Clock;
  /** What is at a live path now; undefined if nothing is there. */
  readonly liveAt: (stream: string) => Promise<Live | undefined>;
  /** Where a live path that is a link has led to. */
  readonly targetsOf: (stream: string) => readonly string[];
  /** Whether a path is to be followed for itself. */
  readonly isIncluded: (path: string) => boolean;
  readonly isKnown: (stats: BigIntStats) => boolean;
  readonly birthOf: BirthOf;
  /** Whether an earlier run followed what was in the file before. */
  readonly wasFollowed: (stats: BigIntStats) => boolean;
}

/**
 * Finds generations that came and went between two looks. Directories are remembered when something happened in them, and
 * each is searched once, however much it was: a rotation of a thousand files in one directory costs one search.
 */
export class UnseenSearch {
  readonly #options: UnseenSearchOptions;
  readonly #wanted = new Set<string>();
  /** When each directory was searched last, and the latest modification time of it and what its generations are moved to. */
  readonly #searched = new Map<string, { readonly mtimeNs: bigint; readonly atMs: number }>();

  constructor(options: UnseenSearchOptions) {
    this.#options = options;
  }

  /** The next search looks into the directory. */
  want(directory: string): void {
    this.#wanted.add(directory);
  }

  /** The next search looks into each directory that may have changed since it was searched last. */
  async wantChanged(): Promise<void> {
    for (const directory of this.#searched.keys()) {
      if (this.#options.streams.inDirectory(directory).size === 0) this.#searched.delete(directory);
    }
    for (const directory of this.#options.streams.directories) {
      const last = this.#searched.get(directory);
      const mtimeNs = await this.#modifiedAt(directory);
      const isSettled =
        last !== undefined && last.mtimeNs === mtimeNs && last.atMs - Number(last.mtimeNs / 1_000_000n) > SAME_TICK_MS;
      // One that is not there has nothing to search.
      if (mtimeNs !== undefined && !isSettled) this.#wanted.add(directory);
    }
  }

  /** Searches the wanted directories. */
  async run(): Promise<readonly UnseenFile[]> {
    const { clock, streams, liveAt, isKnown, birthOf } = this.#options;
    const found: UnseenFile[] = [];
    const directories = [...this.#wanted];
    this.#wanted.clear();
    for (const directory of directories) {
      const mtimeNs = await this.#modifiedAt(directory);
      const known = streams.inDirectory(directory);
      const places = placesOf(directory, known.values());
      const generations = [
        ...(await unseenGenerations({ directory, places, streams: known, isKnown, birthOf })),
        ...(await this.#linked(known.values())),
      ];
      for (const file of generations) {
        const source = known.get(file.stream)?.source;
        if (source !== undefined && this.#isOlder(file, await liveAt(file.stream))) found.push({ ...file, source });
      }
      if (mtimeNs !== undefined) this.#searched.set(directory, { mtimeNs, atMs: clock.now() });
    }
    return found;
  }

  async #linked(streams: Iterable<StreamEntry>): Promise<readonly Generation[]> {
    const { targetsOf, isIncluded, isKnown, birthOf } = this.#options;
    const found: Generation[] = [];
    for (const stream of streams) {
      const targets = targetsOf(stream.path);
      if (targets.length > 0) found.push(...(await linkedGenerations(stream, targets, isKnown, birthOf)));
    }
    return found.filter(({ path }) => !isIncluded(path));
  }

  /**
   * A file that came while the live one stayed in its place was never at that place: it is no generation of it. What is at
   * that place is looked up after the file was listed, so a generation that is rotated meanwhile is older all the same; it
   * may be the file itself, if the place is a link. One that was followed was at that place.
   * Where the file system keeps no birth times, a late write makes any file look young. So does one to a renamed file that
   * was compressed then: an archive's content is compared with that of all known files before it is taken up.
   */
  #isOlder({ path, stats, born }: Generation, live: Live | undefined): boolean {
    if (live === undefined) return true;
    if (inodeKey(stats) === inodeKey(live.stats)) return false;
    return stats.birthtimeNs === 0n || isArchiveName(path) || born <= live.born || this.#options.wasFollowed(stats);
  }

  async #modifiedAt(directory: string): Promise<bigint | undefined> {
    const places = placesOf(directory, this.#options.streams.inDirectory(directory).values());
    const times = await Promise.all(places.map(modifiedAt));
    return times.reduce((latest, time) => (time !== undefined && time > (latest ?? 0n) ? time : latest));
  }
}

/** A directory, and those that the generations of its streams are moved to. */
export function placesOf(directory: string, streams: Iterable<Pick<StreamEntry, "source">>): readonly string[] {
  const places = new Set([directory]);
  for (const { source } of streams) for (const moved of source.rotated.dirs) places.add(resolve(directory, moved));
  return [...places];
}

const modifiedAt = (directory: string): Promise<bigint | undefined> =>
  stat(directory, { bigint: true }).then(
    ({ mtimeNs }) => mtimeNs,
    () => undefined,
  );
