/*
 * A long file: how a rotated file comes to its end (grace, release, absence, forgetting) is one sequence.
 */
import type { CheckpointStore } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import type { FileListener, FileLives } from "./file-lives.ts";
import type { FileTable } from "./file-table.ts";
import { heldBytesOf, HeldFiles } from "./held-files.ts";
import type { LogFile } from "./log-file.ts";
import type { FileOpener } from "./opener.ts";
import { Listings } from "./listings.ts";
import { deleteGeneration } from "./retention.ts";

/** An absent file is forgotten after this long: its volume may come back before. */
const FORGET_AFTER_MS = 24 * 3_600_000;

/** Absent files that every sink has, at most: the oldest are forgotten first. Each costs the journal about a kilobyte. */
const MAX_ABSENT = 1_000;

export interface SettlingOptions {
  readonly table: FileTable;
  readonly opener: FileOpener;
  readonly lives: FileLives;
  readonly store: CheckpointStore;
  readonly listener: FileListener;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Part of the volume that is free, 0 to 1; undefined if it can't be told. */
  readonly freePart: (path: string) => Promise<number | undefined>;
}

/** Moves files on in their life: grace over, read to the end, deleted, out of use. */
export class Settling {
  readonly #options: SettlingOptions;
  readonly #held: HeldFiles;

  constructor(options: SettlingOptions) {
    this.#options = options;
    this.#held = new HeldFiles(options);
  }

  /** Bytes on the disk that only our descriptors keep from being freed. */
  get heldBytes(): number {
    return [...this.#options.table.files.values()].reduce((sum, file) => sum + heldBytesOf(file), 0);
  }

  /** Goes on in a copy of a deleted file that is as long, if there is one. */
  moveToCopy(file: LogFile): Promise<boolean> {
    return this.#held.moveToCopy(file);
  }

  async settle(afterFullLook: boolean): Promise<void> {
    const { clock, table, listener } = this.#options;
    const now = clock.elapsed();
    const listings = new Listings();
    const absent: LogFile[] = [];
    for (const file of table.files.values()) {
      // Nothing moves on in the life of a live file but by a look at it.
      if (file.state === "live" && !afterFullLook) continue;
      // A look at hints alone has not measured it; after this nobody will.
      if (isQuiet(file, now)) await this.#options.lives.measureOpen(file);
      if (isQuiet(file, now)) await this.#finalise(file);
      if (afterFullLook && file.handle === undefined && !table.isPlaced(file)) await this.#absent(file, now, listings);
      if (listener.isNeeded(file)) {
        // What could not be read before is worth another attempt.
        if (afterFullLook) listener.changed(file);
      } else if (file.state === "gone" || (file.state === "released" && file.deleted)) {
        await this.#options.lives.forget(file);
      } else if (file.state === "final") {
        await this.#release(file, now);
      } else if (afterFullLook && file.state === "released") {
        await this.#retain(file, now);
        if (file.absentSinceMs !== undefined) absent.push(file);
      }
    }
    absent.sort((a, b) => (a.absentSinceMs ?? 0) - (b.absentSinceMs ?? 0));
    for (const file of absent.slice(0, -MAX_ABSENT)) await this.#options.lives.forget(file);
    await this.#held.limit();
  }

  /** It grows no more. Of a deleted file a copy that is as long is read from now on, and its space is free. */
  async #finalise(file: LogFile): Promise<void> {
    const { lives } = this.#options;
    file.state = "final";
    if (file.deleted) await this.#held.moveToCopy(file);
    lives.changed(file);
  }

  async #release(file: LogFile, now: number): Promise<void> {
    const { lives, emit } = this.#options;
    // Its archive stays known as its next form, or it would be taken for a file of its own later.
    if (file.deleted) await this.#held.moveToCopy(file);
    file.state = "released";
    file.releasedAtMs = now;
    await file.close();
    emit({ kind: "file.released", path: file.path });
    lives.changed(file);
  }

  /** Deletes a generation that all sinks have, if the source wants that. */
  async #retain(file: LogFile, now: number): Promise<void> {
    const { table, opener, store, emit } = this.#options;
    const after = file.source.rotated.delete?.after;
    if (after === undefined || file.releasedAtMs === undefined || now - file.releasedAtMs < after) return;
    if (!table.isPlaced(file) || file.path === file.stream || !isDelivered(file, store)) return;
    const reason = await deleteGeneration(file, await opener.rootsOf(file.source));
    if (reason === undefined) {
      emit({ kind: "file.removed", path: file.path, bytes: file.size });
      table.displace(file);
    } else {
      opener.report("file.notRemoved", file.path, reason);
    }
  }

  /** No path is known that leads to it, and no descriptor holds it. What was read stands; what was not is lost. */
  async #absent(file: LogFile, now: number, listings: Listings): Promise<void> {
    const { lives, listener } = this.#options;
    if (file.state === "gone") return;
    file.absentSinceMs ??= now;
    if (!listener.isNeeded(file)) {
      // Should it show up again, its inode tells.
      if (now - file.absentSinceMs > FORGET_AFTER_MS) file.state = "gone";
      return;
    }
    const found = await lives.locate(file, listings);
    // Not to be listed is no proof that it is absent.
    if (found === "unknown") return;
    if (found === "absent") await lives.vanished(file);
    else await lives.place(file, found.path);
  }
}

const isQuiet = ({ state, grownAtMs, source }: LogFile, now: number): boolean =>
  state === "rotated" && now - grownAtMs >= source.rotated.grace;

/** Whether every sink that has a cursor in the file has all of it, and nothing of it was lost. */
function isDelivered({ id, size }: LogFile, store: CheckpointStore): boolean {
  const cursors = [...store.cursors.values()].flatMap((ofSink) => ofSink.get(id) ?? []);
  const isWhole = cursors.every(({ position, counters }) => position.offset >= size && counters.lostBytes === 0);
  return cursors.length > 0 && isWhole;
}
