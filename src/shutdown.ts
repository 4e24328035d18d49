import type { Config } from "./config/schema.ts";
import type { Clock } from "./core/clock.ts";
import { EXIT } from "./core/errors.ts";
import type { Emit } from "./core/events.ts";
import type { FileRegistry } from "./files/registry.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

export type RunMode =
  /** Follow the files until told to stop. */
  | "follow"
  /** Read to the end of what is there, then stop. */
  | "once";

/** Part of the shutdown's time that waiting for the application to go quiet may take. */
const QUIET_PART = 0.6;
/** Part of it that belongs to `spillTo`, if there is one. */
const SPILL_PART = 0.15;

/** How long the application may take to go quiet after the signal, in milliseconds. */
export const quietTimeOf = ({ shutdown }: Config): number => shutdown.timeout * QUIET_PART;

export interface ShutdownOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly registry: FileRegistry;
  /** Aborted when somebody wants the agent to stop. */
  readonly stopping: AbortSignal;
  readonly pipelines: () => readonly Pipeline[];
  /** Told twice to stop: nothing is waited for any more. */
  readonly isAbandoned: () => boolean;
  /** Has a sink stand in for those that something is owed to; returns the pipelines to it. */
  readonly spill: (to: string) => readonly Pipeline[];
}

/** The end of an agent, in order: deliver what was read, spill what could not be delivered, give an account of it. */
export class Shutdown {
  readonly #options: ShutdownOptions;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Delivers everything that was read, unfinished last lines too, within what is left of the time. */
  async drain(mode: RunMode): Promise<void> {
    const { config, pipelines } = this.#options;
    const done = new AbortController();
    // Reading to the end of what is there takes as long as it takes, unless somebody wants it to stop.
    const timeUp = mode === "once" ? this.#timeUpOnceStopped(done.signal) : this.#timeUp(done.signal);
    const partialLines = mode === "once" ? "moveOver" : "send";
    await Promise.all(pipelines().map((pipeline) => pipeline.drain(partialLines, config.shutdown.lastChance)));
    done.abort();
    await timeUp;
    await this.#spill();
  }

  async #timeUpOnceStopped(cancel: AbortSignal): Promise<void> {
    const { clock, stopping } = this.#options;
    await clock.sleep(Number.POSITIVE_INFINITY, AbortSignal.any([cancel, stopping]));
    if (!cancel.aborted) await this.#timeUp(cancel);
  }

  async #timeUp(cancel: AbortSignal): Promise<void> {
    const { timeout, spillTo } = this.#options.config.shutdown;
    await this.#stopAfter(timeout * (1 - QUIET_PART - (spillTo === undefined ? 0 : SPILL_PART)), cancel);
  }

  /** Stops the pipelines after so long, or at once when there is nothing left to wait for. */
  async #stopAfter(ms: number, cancel: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(ms, cancel);
    for (const pipeline of this.#options.pipelines()) pipeline.stop();
  }

  /** What could not be delivered goes to the sink that stands in, from the same cursors on. */
  async #spill(): Promise<void> {
    const { config, registry, emit, spill, isAbandoned } = this.#options;
    const { spillTo, timeout, lastChance } = config.shutdown;
    if (spillTo === undefined || isAbandoned()) return;
    const done = new AbortController();
    const spilling = spill(spillTo);
    const timeUp = this.#stopAfter(timeout * SPILL_PART, done.signal);
    await Promise.all(
      spilling.map(async (pipeline) => {
        for (const file of registry.files.values()) pipeline.resume(file);
        pipeline.collapse();
        await pipeline.drain("moveOver", lastChance);
        const { spilledBytes, spilledRecords } = pipeline.account;
        emit({ kind: "sink.spilled", sink: pipeline.name, to: spillTo, spilledBytes, spilledRecords });
      }),
    );
    done.abort();
    await timeUp;
  }

  /** Tells the accounts. What is still owed decides the exit code; so does whether anything was lost. */
  async conclude(mode: RunMode, hasLost: boolean): Promise<number> {
    const { config, registry, emit, pipelines } = this.#options;
    await registry.giveUpDeleted();
    // Who reads once and exits with success has read all there is.
    let owed = registry.isCutShort || (mode === "once" && registry.unreadable.length > 0);
    for (const pipeline of pipelines()) {
      const { name, account } = pipeline;
      emit({ kind: "sink.account", sink: name, account: { ...account } });
      if (!isOwed(pipeline)) continue;
      emit({ kind: "sink.undelivered", sink: name, pendingBytes: account.pendingBytes });
      owed = true;
    }
    // Who reads once and removes the files afterwards must hear of it; and to try again would not bring it back.
    if (mode === "once" && hasLost) return EXIT.failed;
    // A sidecar that fails would have the whole Job run again.
    if (config.exitWhen !== undefined && !config.failOnUndelivered) return EXIT.done;
    return owed ? EXIT.undelivered : EXIT.done;
  }
}

/** Whether its receiver has not got everything. To one that has gone nothing is owed; but if that only stood in, it is still owed to the other. */
export const isOwed = ({ ended, spills, account }: Pipeline): boolean => (spills || !ended) && account.pendingBytes > 0;
