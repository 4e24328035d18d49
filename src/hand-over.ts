import type { FileHandle } from "node:fs/promises";
import type { StateLock } from "./checkpoint/lock.ts";
import type { Config } from "./config/schema.ts";
import type { CheckpointStore, Position } from "./core/checkpoint.ts";
import type { Clock } from "./core/clock.ts";
import type { Sink } from "./core/sink.ts";
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

/** Descriptors of followed files. What no path leads to any more lives by them alone. */
export class OpenFiles {
  readonly #handles = new Map<number, FileHandle>();

  /** Takes the descriptors away from the files. */
  constructor(files: Iterable<LogFile>) {
    for (const file of files) {
      // What is in an archive is found by its path again.
      if (file.handle === undefined || file.archive !== undefined) continue;
      this.#handles.set(file.id, file.handle);
      file.handle = undefined;
    }
  }

  /**
   * A file that was not found again, or could not be opened, goes on through the descriptor that the agent before had.
   * `furthest`: the furthest position of any sink in it.
   */
  async restore(file: LogFile, furthest: Position, clock: Clock): Promise<void> {
    const handle = this.#handles.get(file.id);
    if (file.handle !== undefined || handle === undefined) return;
    const stats = await handle.stat({ bigint: true });
    // Truncated meanwhile: it holds other bytes now, perhaps more than before, and they may begin alike.
    if (stats.size < BigInt(file.size) || !(await headMatches(handle, file.identity.head))) return;
    if (furthest.offset > 0 && (await tailAt(handle, furthest.offset)) !== furthest.tail) return;
    this.#handles.delete(file.id);
    if (file.state !== "gone") {
      file.handle = handle;
      return;
    }
    const size = Number(stats.size);
    const opened = { kind: "opened", handle, archive: undefined, stats, realPath: file.path } as const;
    file.continueIn({ ...opened, contentSize: size, expectedSize: size });
    file.deleted = stats.nlink === 0n;
    file.grownAtMs = clock.elapsed() - Math.max(0, clock.now() - Number(stats.mtimeMs));
  }

  /** Closes what nobody needed. */
  async close(): Promise<void> {
    await Promise.all([...this.#handles.values()].map((handle) => handle.close()));
    this.#handles.clear();
  }
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
