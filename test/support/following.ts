import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentProcess } from "./agent-process.ts";
import type { DatadogIntake } from "./datadog-intake.ts";
import { until } from "./poll.ts";
import { datadogSink, eventually, Scene } from "./scene.ts";

/** An agent that follows a directory into one sink which keeps the order of a file's lines. */
export class Following {
  readonly scene: Scene;
  readonly datadog: DatadogIntake;
  agent: AgentProcess;

  /** Starts on an `app.log` with these lines and waits until they have arrived. */
  static async open(
    lines: readonly string[],
    source: Readonly<Record<string, unknown>> = {},
    prepare: (scene: Scene) => void = () => {},
  ): Promise<Following> {
    const scene = new Scene();
    prepare(scene);
    if (lines.length > 0) scene.write("app.log", linesOf(lines));
    const following = new Following(scene, await scene.datadog(), source);
    await following.arrived(...lines);
    return following;
  }

  readonly #source: Readonly<Record<string, unknown>>;

  private constructor(scene: Scene, datadog: DatadogIntake, source: Readonly<Record<string, unknown>>) {
    this.scene = scene;
    this.datadog = datadog;
    this.#source = source;
    this.agent = this.start();
  }

  start(): AgentProcess {
    const sources = { app: { include: [join(this.scene.logs, "**/*.log")], format: "raw", ...this.#source } };
    const sink = datadogSink(this.datadog, { concurrency: { min: 1, max: 1 }, batch: { maxAge: "50ms" } });
    const checkpoints = { interval: "50ms" };
    this.agent = this.scene.agent({ sources, sinks: { datadog: sink }, checkpoints });
    return this.agent;
  }

  path(name = "app.log"): string {
    return join(this.scene.logs, name);
  }

  append(...lines: readonly string[]): void {
    this.scene.write("app.log", linesOf(lines));
  }

  get messages(): string[] {
    return this.datadog.items.map(({ message }) => message);
  }

  /** Waits until all of them have arrived. */
  async arrived(...lines: readonly string[]): Promise<void> {
    await eventually(`lines ${lines.join(", ").slice(0, 200)}`, this.agent, () => {
      const messages = new Set(this.messages);
      return lines.every((line) => messages.has(line));
    });
  }

  /** Does something while the agent stands still, so that it meets the result only. */
  async behindItsBack(act: () => void): Promise<void> {
    this.agent.signal("SIGSTOP");
    await until("the agent to stand still", () => isStopped(this.agent.pid));
    act();
    this.agent.signal("SIGCONT");
  }

  /** Ends the agent in order: what came, and how it went. */
  async ended(): Promise<Ending> {
    const { code } = await this.agent.terminate();
    return { code, messages: this.messages, violations: this.datadog.violations };
  }
}

export interface Ending {
  readonly code: number | null;
  readonly messages: readonly string[];
  readonly violations: readonly string[];
}

/** The ending in which exactly these lines came, in this order. */
export const clean = (...messages: readonly string[]): Ending => ({ code: 0, messages, violations: [] });

export const linesOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** The state stands after the command in parentheses; proc(5). */
const isStopped = (pid: number): boolean => /\) [Tt] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
