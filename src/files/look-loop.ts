import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { Notifier } from "../core/notifier.ts";
import { isWithin } from "../core/paths.ts";
import type { FileRegistry } from "./registry.ts";
import type { Watch, Watcher } from "./watcher.ts";

/** Files that grew lately are looked at this often, hint or no hint. */
const LOOK_MS = 1_000;
/** Directories are asked this often whether anything came or went, hint or no hint. */
const AROUND_MS = 5_000;
/** All files, also those that have not grown for long, are looked at this often. */
const FULL_LOOK_MS = 30_000;
/** A look that takes long, for all the files there are, is repeated so many times as late at the earliest: 2 % of the time. */
const PAUSE_FACTOR = 50;
/** Looks are at least this far apart: hints of a busy file come in swarms. */
const LOOK_PAUSE_MS = 20;
/** While it waits for quiet, and before it believes in it, the loop looks this often. */
const QUIET_LOOK_MS = 250;
/** Of more hints than these the rest is dropped: the looks at everything find what they named. */
const MAX_HINTS = 100_000;

export interface LookLoopOptions {
  readonly registry: FileRegistry;
  readonly watch: Watch;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Decides when the registry looks: at hints, and regularly because hints can be missing. */
export class LookLoop {
  readonly #options: LookLoopOptions;
  readonly #hints = new Set<string>();
  readonly #wake = new Notifier();
  #watcher: Watcher | undefined;
  #fullLookAtMs = Number.NEGATIVE_INFINITY;
  #aroundAtMs = Number.NEGATIVE_INFINITY;
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  /** A directory may have come or gone. */
  #isAroundWanted = false;
  #lookedAtMs: number | undefined;

  constructor(options: LookLoopOptions) {
    this.#options = options;
  }

  /** Monotonic time at which the last look ended, milliseconds; undefined before the first. */
  get lookedAtMs(): number | undefined {
    return this.#lookedAtMs;
  }

  /** Whether it goes by its own looks alone, because hints may be missing. */
  get isPolling(): boolean {
    return this.#watcher?.isReliable === false;
  }

  /** Begins to listen for hints. Before the first look, so that none is missed. */
  watch(): void {
    const { registry, watch, emit } = this.#options;
    const watcher = watch({
      onHint: (path, isEntry) => this.#hint(path, isEntry),
      onFailed: (reason) => emit({ kind: "watch.failed", reason }),
    });
    this.#watcher = watcher;
    registry.observe({
      appeared: (directory) => watcher.add(directory),
      vanished: (directory) => watcher.drop(directory),
    });
  }

  /** Somebody needs a look soon. */
  hasten(): void {
    this.#wake.notify();
  }

  /** Looks until `stop` aborts. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!stop.aborted) {
      await this.#look();
      this.#lookedAtMs = clock.elapsed();
      await clock.sleep(LOOK_PAUSE_MS, stop);
      await this.#wake.wait(clock, LOOK_MS, stop);
    }
  }

  /**
   * Looks on until no file has grown for `quietMs`, counted from the last growth, which may lie before the call; or
   * until `maxMs` are over, or `enough` says so. At least two full looks, a moment apart, confirm the quiet.
   */
  async untilQuiet(quietMs: number, maxMs: number, enough: () => boolean): Promise<void> {
    const { clock, registry } = this.#options;
    const startedMs = clock.elapsed();
    while (!enough()) {
      await registry.lookFully();
      const now = clock.elapsed();
      this.#lookedAtMs = now;
      const quietForMs = now - (registry.grownAtMs ?? Number.NEGATIVE_INFINITY);
      if (now - startedMs >= QUIET_LOOK_MS && quietForMs >= quietMs) return;
      if (now - startedMs >= maxMs) return;
      await clock.sleep(Math.min(QUIET_LOOK_MS, Math.max(LOOK_PAUSE_MS, quietMs - quietForMs)));
    }
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
  }

  #hint(path: string, isEntry: boolean): void {
    const { registry } = this.#options;
    if (registry.isOfInterest(path)) {
      if (this.#hints.size < MAX_HINTS) this.#hints.add(path);
    } else {
      // Other files of the directory may change as they like. What came or went may be a directory with files of ours.
      const isDirectory = isEntry && [...registry.roots].some((root) => isWithin(path, root) || isWithin(root, path));
      if (!isDirectory || this.#isAroundWanted) return;
      this.#isAroundWanted = true;
    }
    this.#wake.notify();
  }

  async #look(): Promise<void> {
    const { clock, registry } = this.#options;
    const now = clock.elapsed();
    const isWatching = this.#watcher?.isReliable === true;
    if (now >= this.#fullLookAtMs) {
      this.#hints.clear();
      await this.#probe();
      await registry.lookFully();
      this.#fullLookAtMs = this.#after(now, FULL_LOOK_MS);
      this.#aroundAtMs = this.#after(now, AROUND_MS);
      return;
    }
    // A write to the directory may be one of many in a row, such as those of other files than ours.
    if (now >= this.#aroundAtMs || (now - this.#sweptAtMs >= LOOK_MS && (this.#isAroundWanted || !isWatching))) {
      this.#isAroundWanted = false;
      await registry.lookAround(!isWatching);
      this.#aroundAtMs = this.#after(now, AROUND_MS);
    }
    const hints = [...this.#hints];
    this.#hints.clear();
    const sweep = now - this.#sweptAtMs >= LOOK_MS;
    if (sweep) this.#sweptAtMs = now;
    await registry.look(hints, sweep);
  }

  /** When a look that has begun at `beganMs` is due again. */
  #after(beganMs: number, everyMs: number): number {
    const now = this.#options.clock.elapsed();
    return Math.max(beganMs + everyMs, now + (now - beganMs) * PAUSE_FACTOR);
  }

  /** Before everything is looked at, so that it is looked at with all the watches that are to be had. */
  async #probe(): Promise<void> {
    const { registry } = this.#options;
    this.#watcher?.retain(registry.directories);
    this.#watcher?.retry();
    for (const directory of registry.directories) this.#watcher?.add(directory);
    for (const root of registry.roots) await this.#watcher?.probe(root);
  }
}
