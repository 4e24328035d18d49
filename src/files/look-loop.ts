import type { Clock } from "../core/clock.ts";
import type { Emit } from "../core/events.ts";
import { Notifier } from "../core/notifier.ts";
import type { FileRegistry } from "./registry.ts";
import type { Watch, Watcher } from "./watcher.ts";

/** Files that grew lately are looked at this often, hint or no hint. */
const LOOK_MS = 1_000;
const FULL_LOOK_MS = 5_000;
/** Looks are at least this far apart: hints of a busy file come in swarms. */
const LOOK_PAUSE_MS = 20;
/** While it waits for quiet, and before it believes in it, the loop looks this often. */
const QUIET_LOOK_MS = 250;

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
  /** Whether hints can be relied on, as far as is known. */
  #watching = false;
  #fullLookAtMs = Number.NEGATIVE_INFINITY;
  #sweptAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: LookLoopOptions) {
    this.#options = options;
  }

  /** Begins to listen for hints. Before the first look, so that none is missed. */
  watch(): void {
    this.#watching = true;
    this.#watcher = this.#options.watch({
      trees: this.#options.registry.trees,
      onHint: (path) => {
        this.#hints.add(path);
        this.#wake.notify();
      },
      onError: (reason) => {
        if (this.#watching) this.#options.emit({ kind: "watch.failed", reason });
        this.#watching = false;
      },
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
    for (;;) {
      await registry.lookFully();
      const now = clock.elapsed();
      const quietForMs = now - (registry.grownAtMs ?? Number.NEGATIVE_INFINITY);
      if (now - startedMs >= QUIET_LOOK_MS && quietForMs >= quietMs) return;
      if (now - startedMs >= maxMs || enough()) return;
      await clock.sleep(Math.min(QUIET_LOOK_MS, Math.max(LOOK_PAUSE_MS, quietMs - quietForMs)));
    }
  }

  async close(): Promise<void> {
    await this.#watcher?.close();
  }

  async #look(): Promise<void> {
    const { clock, registry } = this.#options;
    const hints = [...this.#hints];
    this.#hints.clear();
    const now = clock.elapsed();
    // Without a working watcher the full looks are what finds new files.
    if (now - this.#fullLookAtMs >= (this.#watching ? FULL_LOOK_MS : LOOK_MS)) {
      this.#fullLookAtMs = now;
      this.#sweptAtMs = now;
      return registry.lookFully();
    }
    const sweep = now - this.#sweptAtMs >= LOOK_MS;
    if (sweep) this.#sweptAtMs = now;
    return registry.look(hints, sweep);
  }
}
