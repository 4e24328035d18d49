import { resolve } from "node:path";
import { Agent, type AgentWorld } from "../agent.ts";
import type { Config } from "../config/schema.ts";
import { describeError, errorCode, UserError } from "../core/errors.ts";
import type { Estate } from "../hand-over.ts";
import { type ConfigFile, GOING_ON } from "./config-file.ts";
import { appears } from "./exit-when.ts";
import type { RunMode } from "../shutdown.ts";
import type { Interruption } from "./interruption.ts";
import type { ReloadWish } from "./reload-wish.ts";

export interface SupervisorOptions {
  readonly mode: RunMode;
  readonly world: AgentWorld;
  /** Called with each new configuration that took over: what of it concerns the process. */
  readonly configure: (config: Config) => Promise<void>;
  /** Called with each agent, before it runs. */
  readonly watch: (agent: Agent) => void;
  /** What relative paths count from. Absolute. */
  readonly cwd: string;
  readonly interruption: Interruption;
  /** The file to go on with when it changes, if there is one. */
  readonly reload: { readonly file: ConfigFile; readonly wish: ReloadWish } | undefined;
}

/**
 * Runs one agent after the other: each with the configuration that was valid last, at the cursors that the one before left.
 * Ends with the agent that was told to stop, or that ended by itself.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  #config: Config;
  #agent: Agent;
  #stoppedBy: string | undefined;

  static async create(config: Config, options: SupervisorOptions): Promise<Supervisor> {
    return new Supervisor(config, options, await Agent.create(config, options.world));
  }

  private constructor(config: Config, options: SupervisorOptions, agent: Agent) {
    this.#config = config;
    this.#options = options;
    this.#agent = agent;
    options.watch(agent);
  }

  /** Resolves to the exit code. */
  async run(): Promise<number> {
    const { interruption } = this.#options;
    const stop = (): void => this.#stop(interruption.reason ?? "interrupted");
    if (interruption.signal.aborted) stop();
    interruption.signal.addEventListener("abort", stop, { once: true });
    interruption.repeated.addEventListener("abort", () => this.#agent.stop("interrupted again"), { once: true });
    for (;;) {
      const ended = new AbortController();
      const running = this.#agent.run(this.#options.mode).finally(() => ended.abort());
      void this.#stopWhenAsked(ended.signal);
      const next = await Promise.race([running, this.#nextConfig(ended.signal)]);
      const estate = typeof next === "object" ? await this.#agent.handOver() : undefined;
      if (typeof next !== "object" || estate === undefined) return running;
      await this.#replace(next, estate);
    }
  }

  /** A signal after `exitWhen` is no second wish to stop: both are the one end of the pod. */
  #stop(reason: string): void {
    if (this.#stoppedBy !== undefined) return;
    this.#stoppedBy = reason;
    this.#agent.stop(reason);
  }

  async #stopWhenAsked(ended: AbortSignal): Promise<void> {
    const file = this.#config.exitWhen?.file;
    if (file === undefined) return;
    const isThere = await appears(resolve(this.#options.cwd, file), this.#options.world, ended);
    if (isThere) this.#stop(`${file} is there`);
  }

  async #nextConfig(ended: AbortSignal): Promise<Config | undefined> {
    const { reload, world } = this.#options;
    if (reload !== undefined) return reload.file.next(this.#config, reload.wish, ended);
    await world.clock.sleep(Number.POSITIVE_INFINITY, ended);
    return undefined;
  }

  async #replace(config: Config, estate: Estate): Promise<void> {
    const { interruption } = this.#options;
    this.#agent = await this.#successor(config, estate);
    this.#options.watch(this.#agent);
    if (this.#config === config) {
      await this.#options.configure(config);
      this.#tellChange(estate.config);
      if (config.stateDir !== estate.config.stateDir) await abandon(estate);
    }
    // What was asked for meanwhile was asked of an agent that has ended.
    if (this.#stoppedBy !== undefined) this.#agent.stop(this.#stoppedBy);
    if (interruption.repeated.aborted) this.#agent.stop("interrupted again");
  }

  /** Whatever keeps the new configuration from its start, the old one can go on. */
  async #successor(config: Config, estate: Estate): Promise<Agent> {
    const { reload, world } = this.#options;
    try {
      const agent = await Agent.create(config, world, estate);
      this.#config = config;
      return agent;
    } catch (error) {
      if (!(error instanceof UserError) && errorCode(error) === undefined) throw error;
      reload?.file.tell([describeError(error)], GOING_ON);
      return Agent.create(estate.config, world, estate);
    }
  }

  #tellChange({ stateDir }: Config): void {
    const { emit } = this.#options.world;
    emit({ kind: "config.reloaded", file: this.#options.reload?.file.path ?? "" });
    if (stateDir !== this.#config.stateDir)
      emit({ kind: "config.stateDirChanged", from: stateDir, to: this.#config.stateDir });
  }
}

/** Another state directory was taken: what is left of the one before is closed. */
async function abandon({ files, stdin, store, lock }: Estate): Promise<void> {
  stdin?.close();
  await files.close();
  await store.close();
  await lock.release();
}
