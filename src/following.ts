import type { CheckpointStore, Position } from "./core/checkpoint.ts";
import type { Clock } from "./core/clock.ts";
import type { Emit } from "./core/events.ts";
import { furthestOf, START } from "./core/position.ts";
import { endOf } from "./files/first-cursor.ts";
import type { LogFile } from "./files/log-file.ts";
import type { FileListener } from "./files/registry.ts";
import type { OpenFiles } from "./hand-over.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

export interface FollowingOptions {
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly pipelines: () => readonly Pipeline[];
  /** Sinks that have cursors from an earlier run, or that the agent before had. */
  readonly knownSinks: ReadonlySet<string>;
  /** What the agent before had open, if there was one with the same state directory. */
  readonly inherited: OpenFiles | undefined;
  /** Every sink has the file, and its handle was let go. */
  readonly released: (file: LogFile) => void;
}

/** Tells all pipelines of the files: which there are, with a first cursor for each sink, and what becomes of them. */
export class Following implements FileListener {
  readonly #options: FollowingOptions;
  #hasStarted = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  /** The files of the start are known. */
  started(): void {
    this.#hasStarted = true;
  }

  /** Gives new files to all pipelines. Reading begins when the first cursors are durable. */
  async added(files: readonly LogFile[]): Promise<void> {
    const { store, clock, emit, inherited, pipelines } = this.#options;
    for (const file of files) {
      await inherited?.restore(file, furthestOf(store, file.id), clock);
      for (const pipeline of pipelines()) {
        const known = store.cursors.get(pipeline.name)?.has(file.id) === true;
        // What is out of reach already was never owed to a sink that did not know it.
        if (known || file.state !== "gone")
          pipeline.follow(file, known ? START : await this.#firstPosition(pipeline.name, file));
      }
      if (file.state !== "gone") emit({ kind: "file.found", path: file.path, size: file.size });
    }
    await store.flush();
    for (const file of files) for (const pipeline of pipelines()) pipeline.changed(file);
  }

  /** `startAt` is for the files that a new sink finds at its start; whatever comes later is read from its beginning, unless it is old. */
  async #firstPosition(sink: string, file: LogFile): Promise<Position> {
    const { store, clock, knownSinks, inherited } = this.#options;
    // Of a damaged journal cursors may be missing; but what the agent before knew is whole.
    const mayBeMissing = inherited === undefined && store.damaged;
    const { startAt, ignoreOlder = Number.POSITIVE_INFINITY } = file.source;
    const isNewSink = !this.#hasStarted && !knownSinks.has(sink);
    const isOld = clock.now() - Number(file.mtimeNs / 1_000_000n) > ignoreOlder;
    const isUnwanted = (isNewSink && startAt === "end") || isOld;
    return isUnwanted && !mayBeMissing ? endOf(file) : START;
  }

  changed(file: LogFile): void {
    for (const pipeline of this.#options.pipelines()) pipeline.changed(file);
    if (file.state === "released") this.#options.released(file);
  }

  isNeeded(file: LogFile): boolean {
    return this.#options.pipelines().some((pipeline) => pipeline.needs(file));
  }

  forgotten(file: LogFile): void {
    for (const pipeline of this.#options.pipelines()) pipeline.forget(file);
    this.#options.store.record({ kind: "forget", file: file.id });
  }
}
