import type { FileHandle } from "node:fs/promises";
import type { StateLock } from "./checkpoint/lock.ts";
import type { Config } from "./config/schema.ts";
import type { CheckpointStore, Position } from "./core/checkpoint.ts";
import type { Clock } from "./core/clock.ts";
import type { Sink } from "./core/sink.ts";
import { Archive, type Compression } from "./files/archive.ts";
import type { Opened } from "./files/confinement.ts";
import { type Sizes, sizesIfCopy } from "./files/copies.ts";
import { headMatches, tailAt } from "./files/identity.ts";
import type { LogFile } from "./files/log-file.ts";
import type { StdinSpool } from "./files/stdin-spool.ts";

/**
 * What an agent leaves to the next one in the same process. The lock stays held, so that no other agent slips in; the
 * store stays open, so that a full disk can't keep the next agent from its cursors.
 */
export interface Estate {
  /** What the agent before ran with. */
  readonly config: Config;
  readonly lock: StateLock;
  readonly store: CheckpointStore;
  readonly files: OpenFiles;
  /** What takes in stdin, where a source reads it. */
  readonly stdin: StdinSpool | undefined;
}

interface OpenFile {
  readonly handle: FileHandle;
  /** Set if what is open is an archive. */
  readonly compression: Compression | undefined;
}

/** Descriptors of followed files. What no path leads to any more lives by them alone. */
export class OpenFiles {
  readonly #open = new Map<number, OpenFile>();

  /** Takes the descriptors away from the files. */
  constructor(files: Iterable<LogFile>) {
    for (const file of files) {
      const { handle, archive } = file;
      if (handle === undefined) continue;
      archive?.close();
      this.#open.set(file.id, { handle, compression: archive?.compression });
      file.handle = undefined;
      file.archive = undefined;
    }
  }

  /**
   * A file that was not found again, or could not be opened, goes on through the descriptor that the agent before had.
   * `furthest`: the furthest position of any sink in it.
   */
  async restore(file: LogFile, furthest: Position, clock: Clock): Promise<void> {
    const open = this.#open.get(file.id);
    if (file.handle !== undefined || open === undefined) return;
    const { handle, compression } = open;
    // An archive that still stands at its path is opened by that when it is read.
    if (compression !== undefined && file.state !== "gone") return;
    const stats = await handle.stat({ bigint: true });
    const archive = compression && new Archive(handle, compression);
    const opened = { kind: "opened", handle, archive, stats, realPath: file.path } as const;
    const sizes = await (archive ? sizesIfCopy(opened, file, furthest) : sizesIfUnchanged(opened, file, furthest));
    if (sizes === undefined) return archive?.close();
    this.#open.delete(file.id);
    if (file.state !== "gone") {
      file.handle = handle;
      return;
    }
    file.continueIn({ ...opened, ...sizes });
    file.deleted = stats.nlink === 0n;
    file.grownAtMs = clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs));
  }

  /** Closes what nobody needed. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ handle }) => handle.close()));
    this.#open.clear();
  }
}

/**
 * How much an open file holds, if that is still what was read of it. By the same descriptor it is the same file, so its last
 * bytes are proof enough, however long it is. Undefined if it was truncated: it holds other bytes now, perhaps more than
 * before, and they may begin alike.
 */
async function sizesIfUnchanged(
  { handle, stats }: Pick<Opened, "handle" | "stats">,
  { size, identity }: LogFile,
  furthest: Position,
): Promise<Sizes | undefined> {
  const contentSize = Number(stats.size);
  if (contentSize < size || !(await headMatches(handle, identity.head))) return undefined;
  if (furthest.offset > 0 && (await tailAt(handle, furthest.offset)) !== furthest.tail) return undefined;
  return { contentSize, expectedSize: contentSize };
}

/** Once shut, no request begins any more, while those under way come to their end. For all sinks of an agent. */
export class Valve {
  readonly #clock: Clock;
  /** Requests under way, by the name of the sink. */
  readonly #underWay = new Map<string, number>();
  #isShut = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  shut(): void {
    this.#isShut = true;
  }

  isBusy(name: string): boolean {
    return (this.#underWay.get(name) ?? 0) > 0;
  }

  guard(name: string, sink: Sink): Sink {
    const count = (by: number): unknown => this.#underWay.set(name, (this.#underWay.get(name) ?? 0) + by);
    return {
      warnings: sink.warnings,
      limits: sink.limits,
      concurrency: sink.concurrency,
      bodyLastsMs: sink.bodyLastsMs,
      // A sink may be an object of a class: its methods are not its own properties.
      encode: (records, body) => sink.encode(records, body),
      refresh: async () => sink.refresh?.(),
      isLate: sink.isLate === undefined ? undefined : (record, nowMs) => sink.isLate?.(record, nowMs) === true,
      close: () => sink.close(),
      send: async (body, signal) => {
        if (this.#isShut) {
          await this.#clock.sleep(Number.POSITIVE_INFINITY, signal);
          return { kind: "retry", reason: "handed over" };
        }
        count(1);
        const outcome = await sink.send(body, signal).finally(() => count(-1));
        if (outcome.kind === "received") {
          // What is not confirmed when the agent ends is sent again by the next one.
          count(1);
          void outcome.settled.finally(() => count(-1));
        }
        return outcome;
      },
    };
  }
}
