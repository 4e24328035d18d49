import { cpSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Agent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import type { Watcher, WatcherOptions } from "../../src/files/watcher.ts";
import type { Account } from "../../src/pipeline/ledger.ts";
import type { Settings } from "./command.ts";
import { configurationOf } from "./configuration.ts";
import { type Receiver, modelSink } from "./receiver.ts";
import { idle, SteppedClock } from "./stepped-clock.ts";

/** How long the agent may take to end, and to hand over; more would be a hang. */
const MAX_END_MS = 60_000;

const nothing = (): void => undefined;

export interface AgentSettings {
  readonly include: readonly string[];
  readonly stateDir: string;
  readonly settings: Settings;
  readonly receivers: readonly Receiver[];
  readonly onEvent: (event: AgentEvent) => void;
}

/** The agent in this process, on a clock of its own. */
export class InProcessAgent {
  readonly clock: SteppedClock;
  readonly stateDir: string;
  readonly #settings: AgentSettings;
  readonly #config: Config;
  #agent: Agent | undefined;
  #onHint: WatcherOptions["onHint"] = () => undefined;
  #isDead = false;
  /** Of the process that it stands for; set once it has ended. */
  exit: { readonly code: number } | { readonly error: unknown } | undefined;

  constructor(settings: AgentSettings, startMs: number) {
    this.#settings = settings;
    this.stateDir = settings.stateDir;
    this.clock = new SteppedClock(startMs);
    this.#config = configOf(settings);
  }

  get accounts(): readonly { readonly name: string; readonly account: Account }[] {
    return this.#agent?.status.sinks ?? [];
  }

  async start(): Promise<void> {
    const agent = await Agent.create(this.#config, this.#world());
    this.#run(agent);
    await idle();
  }

  readonly #watch = ({ onHint }: WatcherOptions): Watcher => {
    this.#onHint = onHint;
    return {
      isReliable: this.#settings.settings.isWatching,
      add: nothing,
      drop: nothing,
      retain: nothing,
      retry: nothing,
      probe: async () => undefined,
      close: async () => undefined,
    };
  };

  #world() {
    const sinks = [modelSink(this.#settings.receivers, () => this.#isDead)];
    return {
      sinks,
      stdout: new PassThrough(),
      clock: this.clock,
      watch: this.#watch,
      random: () => 0.5,
      emit: (event: AgentEvent) => {
        if (!this.#isDead) this.#settings.onEvent(event);
      },
      hostname: "model",
    };
  }

  #run(agent: Agent): void {
    this.#agent = agent;
    this.exit = undefined;
    void this.#outlive(agent);
  }

  async #outlive(agent: Agent): Promise<void> {
    try {
      const code = await agent.run("follow");
      // One that has handed over ends too.
      if (this.#agent === agent) this.exit = { code };
    } catch (error) {
      this.exit = { error };
    }
  }

  /** The kernel tells of a change. `isEntry`: something came, went or was renamed. */
  hint(path: string, isEntry: boolean): void {
    this.#onHint(path, isEntry);
  }

  /** As on SIGTERM. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#agent?.stop("told to stop");
    await this.#untilEnded();
  }

  /** As on a changed configuration: the next agent takes over what this one has. */
  async reload(): Promise<void> {
    const handing = this.#agent?.handOver();
    if (handing === undefined) return;
    let estate: Awaited<typeof handing> | "none" = "none";
    void handing.then((handed) => (estate = handed));
    await this.#until(() => estate !== "none");
    const handed = await handing;
    if (handed === undefined) return;
    for (const receiver of this.#settings.receivers) receiver.startRun();
    const next = await Agent.create(this.#config, this.#world(), handed);
    this.#run(next);
    await idle();
  }

  /**
   * As on SIGKILL: from this moment on it gives nothing to anybody, and what is in its state directory goes on in another.
   * What still runs of it comes to its end where nobody looks.
   */
  async kill(nextStateDir: string): Promise<void> {
    this.#isDead = true;
    const isState = (path: string): boolean => path !== join(this.stateDir, "lock");
    cpSync(this.stateDir, nextStateDir, { recursive: true, filter: isState });
    this.#agent?.stop("dead");
    this.#agent?.stop("dead");
    await this.#untilEnded();
  }

  #untilEnded(): Promise<void> {
    return this.#until(() => this.exit !== undefined);
  }

  async #until(condition: () => boolean): Promise<void> {
    const deadlineMs = this.clock.elapsed() + MAX_END_MS;
    await idle();
    while (!condition()) {
      if (!this.clock.step(deadlineMs)) throw new Error("the agent does not end");
      await idle();
    }
  }
}

function configOf({ include, stateDir, settings, receivers }: AgentSettings): Config {
  const sinks = Object.fromEntries(receivers.map((receiver) => [receiver.settings.name, { type: "model" }]));
  const checkpoints = { interval: "1s", compactAt: "4KiB" };
  const loaded = loadConfig({
    text: JSON.stringify({ stateDir, sinks, checkpoints, ...configurationOf(settings, include, "3s") }),
    file: "model.yaml",
    sinks: [modelSink(receivers, () => false)],
    env: {},
    cwd: stateDir,
    readFile: () => "",
  });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded.config;
}
