import { dirname } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { discard } from "./confinement.ts";
import type { FileListener, FileLives } from "./file-lives.ts";
import type { FileTable } from "./file-table.ts";
import type { LogFile, SourceSettings } from "./log-file.ts";

/** With less of the volume free than this, the application comes first. */
const LOW_DISK_PART = 0.1;

export interface HeldFilesOptions {
  readonly table: FileTable;
  readonly lives: FileLives;
  readonly listener: FileListener;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Part of the volume that is free, 0 to 1; undefined if it can't be told. */
  readonly freePart: (path: string) => Promise<number | undefined>;
}

/** Bytes on the disk that only our descriptor keeps from being freed. */
export const heldBytesOf = ({ deleted, handle, size }: LogFile): number => (deleted && handle !== undefined ? size : 0);

/**
 * Deleted files that are held open because some sink has not got them. They take space that the application can't
 * free, so there is a bound: past it, or on a volume that is nearly full, they are let go, and what is unread is lost.
 */
export class HeldFiles {
  readonly #options: HeldFilesOptions;

  constructor(options: HeldFilesOptions) {
    this.#options = options;
  }

  /** Lets go of deleted files, oldest first, until the bounds of their sources are kept. */
  async limit(): Promise<void> {
    const bySource = new Map<SourceSettings, LogFile[]>();
    for (const file of this.#options.table.files.values()) {
      if (heldBytesOf(file) === 0 || file.source.rotated.policy === "hold") continue;
      bySource.set(file.source, [...(bySource.get(file.source) ?? []), file]);
    }
    for (const [source, files] of bySource) await this.#limitSource(source, files);
  }

  async #limitSource(source: SourceSettings, files: readonly LogFile[]): Promise<void> {
    const { maxHeldBytes } = source.rotated;
    let held = files.reduce((sum, file) => sum + heldBytesOf(file), 0);
    for (const file of files.toSorted((a, b) => (a.born < b.born ? -1 : 1))) {
      const reason = held > maxHeldBytes ? "maxHeldBytes" : (await this.#isDiskLow(file)) ? "lowDisk" : undefined;
      if (reason === undefined) return;
      held -= heldBytesOf(file);
      await this.#letGo(file, reason);
    }
  }

  async #isDiskLow(file: LogFile): Promise<boolean> {
    const free = await this.#options.freePart(dirname(file.stream));
    return free !== undefined && free < LOW_DISK_PART;
  }

  async #letGo(file: LogFile, reason: "maxHeldBytes" | "lowDisk"): Promise<void> {
    const { lives, listener, emit } = this.#options;
    if (await this.moveToCopy(file)) return;
    const heldBytes = file.size;
    const lostBytes = listener.isNeeded(file) ? file.size - lives.furthest(file.id).offset : 0;
    file.lossReason = "deleted before it was read, and let go to free the disk";
    file.state = "gone";
    await file.close();
    emit({ kind: "file.heldReleased", path: file.path, heldBytes, lostBytes, reason });
    lives.changed(file);
  }

  /** Goes on in a copy or archive that is as long, if there is one, so that the space is free and nothing is lost. */
  async moveToCopy(file: LogFile): Promise<boolean> {
    const { lives } = this.#options;
    const copy = await lives.findCopy(file);
    if (copy === undefined) return false;
    if (copy.contentSize < file.size) {
      await discard(copy);
      return false;
    }
    await lives.goOnIn(file, copy);
    return true;
  }
}
