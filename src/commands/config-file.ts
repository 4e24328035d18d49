import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { inspectPaths } from "../config/access.ts";
import { formatProblem, type LoadResult } from "../config/load.ts";
import { readConfig } from "../config/read.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/clock.ts";
import { errorCode, EXIT } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { Secret } from "../core/secret.ts";
import type { CommandIo } from "./io.ts";
import type { ReloadWish } from "./reload-wish.ts";

/** How often the file's content is looked at. */
const LOOK_MS = 2_000;
/** A file that changes is read when it has stayed the same for so long: an editor may be in the middle of it. */
const SETTLE_MS = 200;

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  /** In words, with their places. */
  | { readonly ok: false; readonly problems: readonly string[]; readonly exitCode: number };

export interface ConfigFileWorld {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly emit: Emit;
}

/**
 * A configuration file that may change while the agent runs. Its content is compared, not its time: a ConfigMap changes by
 * a link, far from the path.
 */
export class ConfigFile {
  readonly path: string;
  readonly #world: ConfigFileWorld;
  /** What it held when it was last loaded; undefined if it could not be read. */
  #text: string | undefined;
  #isValid = true;
  /** The problems that were told last. */
  #told = "";

  constructor(path: string, world: ConfigFileWorld) {
    this.path = path;
    this.#world = world;
  }

  /** Reads and checks it, as `tailcar check` does. */
  async load(): Promise<Loaded> {
    this.#text = await this.#read();
    const loaded = await checked(readConfig(this.path, this.#world.io));
    this.#isValid = loaded.ok;
    return loaded;
  }

  /** Tells the problems that it has, and waits until it is valid; undefined if `stop` aborts before. */
  untilValid(problems: readonly string[], wish: ReloadWish, stop: AbortSignal): Promise<Config | undefined> {
    this.tell(problems, WAITING);
    return this.next(undefined, wish, stop);
  }

  /**
   * Waits until it is valid and means something else than `running`; undefined if `stop` aborts before. It is loaded again
   * at each wish and change, and while it is invalid: what it refers to may be mended too. Problems are told once.
   */
  async next(running: Config | undefined, wish: ReloadWish, stop: AbortSignal): Promise<Config | undefined> {
    const { clock, emit } = this.#world;
    for (;;) {
      const isWished = await wish.within(LOOK_MS, clock, stop);
      if (stop.aborted) return undefined;
      const isNew = isWished || (await this.#hasChanged(stop));
      if (!isNew && this.#isValid) continue;
      if (isNew) this.#told = "";
      const loaded = await this.load();
      if (!loaded.ok) this.tell(loaded.problems, running === undefined ? WAITING : GOING_ON);
      else if (running === undefined || !isSame(running, loaded.config)) return loaded.config;
      else emit({ kind: "config.unchanged", file: this.path });
    }
  }

  tell(problems: readonly string[], consequence: string): void {
    const text = problems.join("\n");
    if (text === this.#told) return;
    this.#told = text;
    this.#world.emit({ kind: "config.invalid", file: this.path, problems, consequence });
  }

  async #hasChanged(stop: AbortSignal): Promise<boolean> {
    let text = await this.#read();
    while (text !== this.#text && !stop.aborted) {
      await this.#world.clock.sleep(SETTLE_MS, stop);
      const before = text;
      text = await this.#read();
      if (text === before) return true;
    }
    return false;
  }

  async #read(): Promise<string | undefined> {
    try {
      return await readFile(resolve(this.#world.io.cwd, this.path), "utf8");
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      // Loading it says what is wrong.
      return undefined;
    }
  }
}

const WAITING = "nothing is shipped until the file is fixed";
export const GOING_ON = "the configuration before goes on";

/** A configuration whose directories were looked at, too. */
export async function checked(loaded: LoadResult): Promise<Loaded> {
  const problems = loaded.ok ? (await inspectPaths(loaded.config, loaded.report)).problems : loaded.problems;
  return loaded.ok && problems.length === 0
    ? { ok: true, config: loaded.config }
    : { ok: false, problems: problems.map(formatProblem), exitCode: EXIT.config };
}

const isSame = (a: Config, b: Config): boolean => isDeepStrictEqual(withPlainSecrets(a), withPlainSecrets(b));

/** For nothing but comparison: from outside any two secrets look the same. */
function withPlainSecrets(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(withPlainSecrets);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withPlainSecrets(child)]));
}
