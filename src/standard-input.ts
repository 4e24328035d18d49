import { fstatSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Config } from "./config/schema.ts";
import type { CheckpointStore } from "./core/checkpoint.ts";
import type { Clock } from "./core/clock.ts";
import { UserError } from "./core/errors.ts";
import type { Emit } from "./core/events.ts";
import type { LogFile } from "./files/log-file.ts";
import type { FileRegistry } from "./files/registry.ts";
import { StdinSpool } from "./files/stdin-spool.ts";

/** What spools standard input, from the outside world. */
interface World {
  readonly stdin?: (() => Readable) | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Where a configuration keeps what comes from standard input. */
export const stdinDirectory = ({ stateDir }: Config): string => join(stateDir, "stdin");

/** The spool of a configuration with a source that reads stdin: that of the agent before, which has its place in the stream. */
export async function spoolFor(config: Config, world: World, before?: StdinSpool): Promise<StdinSpool | undefined> {
  const { clock, emit, stdin } = world;
  if (stdin === undefined || !Object.values(config.sources).some((source) => source.stdin)) return undefined;
  if (before !== undefined) return before;
  const { maxBuffered } = config.stdin;
  return StdinSpool.open({ input: stdin(), directory: stdinDirectory(config), maxBytes: maxBuffered, clock, emit });
}

/** Node takes standard input that is a directory for one that has ended. Throws a UserError instead. */
export function openStandardInput(): Readable {
  if (fstatSync(process.stdin.fd).isDirectory())
    throw new UserError("standard input is a directory; pipe the application's output into tailcar");
  return process.stdin;
}

export interface SegmentRemovalOptions {
  readonly config: Config;
  readonly spool: StdinSpool;
  readonly store: CheckpointStore;
  readonly registry: FileRegistry;
}

/** Removes the segments of standard input that every sink has: nobody else has a use for them. */
export class SegmentRemoval {
  readonly #options: SegmentRemovalOptions;
  /** One after the other. */
  #removing = Promise.resolve();

  constructor(options: SegmentRemovalOptions) {
    this.#options = options;
  }

  /** Removes the file if it is a segment. The cursors first: without them it would look lost. */
  remove(file: LogFile): void {
    const { config, spool, store, registry } = this.#options;
    if (config.sources[file.source.name]?.stdin !== true) return;
    const removed = async (): Promise<void> => {
      await store.flush();
      if (await spool.discard(file.path)) registry.removed(file);
    };
    this.#removing = this.#removing.then(removed);
  }

  /** Resolves when all that were to be removed are. */
  get done(): Promise<void> {
    return this.#removing;
  }

  /** At the end nothing stays but what some sink has not got. */
  async removeRest(isNeeded: (file: LogFile) => boolean): Promise<void> {
    const { spool, registry } = this.#options;
    spool.close();
    for (const file of registry.files.values()) if (!isNeeded(file)) this.remove(file);
    await this.#removing;
    // Forgets them.
    await registry.look([], false);
  }
}
