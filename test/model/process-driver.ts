/*
 * A long file: all that an agent's process takes, from its configuration to what it told before it was killed.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import { z } from "zod";
import { AgentProcess, writeConfig } from "../support/agent-process.ts";
import { until } from "../support/poll.ts";
import { BOUND_BY_MODES } from "../support/rights.ts";
import { SmallDisk } from "../support/small-disk.ts";
import { configurationOf } from "./configuration.ts";
import type { Driver, Ending, Stage } from "./driver.ts";
import { HttpReceivers } from "./http-receiver.ts";
import { setFull, STATE_KIB, STATE_ROOT } from "./in-process-driver.ts";
import type { Sighting, SinkAccount } from "./oracle.ts";
import { type Damage, damage, Journal, lettersOf } from "./state-directory.ts";

/** Limits of what has no time of its own, on a machine that may be busy with all else. */
const MAX_CATCH_UP_MS = 60_000;
const MAX_END_MS = 60_000;
const MAX_START_MS = 60_000;
/** A wait ends when all is delivered and durable, or then: a sink that is down keeps things waiting. */
const MAX_WAIT_MS = 2_000;
/** A wait from here on is one for all to be done. */
const LONG_MS = 1_000;
const POLL_MS = 20;
const TURN_MS = 3;

/** Runs the agents as processes, which ship over HTTP and are really killed. */
export class ProcessDriver implements Driver {
  readonly #stage: Stage;
  readonly #root = realpathSync(mkdtempSync(join(STATE_ROOT, "tailcar-model-")));
  readonly #stateDir = join(this.#root, "state");
  readonly #configPath = join(this.#root, "tailcar.yaml");
  readonly #compileCache: string;
  readonly #journal = new Journal(this.#stateDir);
  readonly #http: HttpReceivers;
  #agent: AgentProcess | undefined;
  #isListening = false;
  /** Lines of the agent's log that were read already. */
  #logged = 0;
  /** Of the configurations of a run, so that each means something else. */
  #version = 0;
  /** Of the agent that runs now. */
  #reloads = 0;
  #accounts = new Map<string, SinkAccount>();
  readonly #disk: SmallDisk | undefined;

  /** `compileCache`: a directory in which the agents leave what they compiled for each other. */
  constructor(stage: Stage, compileCache: string) {
    this.#stage = stage;
    this.#disk = stage.needsSmallDisk ? SmallDisk.mountIfAllowed(this.#stateDir, STATE_KIB) : undefined;
    this.#compileCache = compileCache;
    this.#http = new HttpReceivers(stage.receivers, stage.oracle, systemClock);
    if (this.#disk === undefined) mkdirSync(this.#stateDir);
  }

  get isRunning(): boolean {
    return this.#agent !== undefined;
  }

  now(): number {
    return systemClock.elapsed();
  }

  async start(): Promise<void> {
    if (this.#agent !== undefined) return;
    if (!this.#isListening) await this.#http.listen();
    this.#isListening = true;
    this.#http.startRun();
    this.#configure();
    this.#logged = 0;
    this.#reloads = 0;
    this.#stage.oracle.started(this.now());
    this.#agent = new AgentProcess({
      dir: this.#root,
      args: ["run", "-c", this.#configPath],
      env: { NODE_COMPILE_CACHE: this.#compileCache },
      wrapper: BOUND_BY_MODES,
    });
    // Before that a signal ends it at once.
    await this.#logs("agent.state");
  }

  async stop(): Promise<Ending | undefined> {
    const agent = this.#agent;
    if (agent === undefined) return undefined;
    const { code } = await agent.terminate(MAX_END_MS);
    this.#http.endRun();
    this.#observe();
    this.#agent = undefined;
    this.#stage.oracle.stopped(this.now());
    if (code !== 0 && code !== 75) this.#stage.oracle.fault(`exit code ${code}`);
    return { code: code ?? undefined, accounts: this.#accounts };
  }

  async kill(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    this.#http.endRun();
    agent.signal("SIGKILL");
    await agent.waitExit(MAX_END_MS);
    this.#observe();
    this.#agent = undefined;
    this.#stage.oracle.killed(this.now());
  }

  async reload(): Promise<void> {
    if (this.#agent === undefined) return;
    this.#configure();
    this.#reloads += 1;
    this.#agent.signal("SIGHUP");
    await this.#logs("config.reloaded", this.#reloads);
  }

  async wait(ms: number): Promise<void> {
    if (ms < LONG_MS || this.#agent === undefined) return sleep(Math.min(ms, 100));
    const deadlineMs = this.now() + MAX_WAIT_MS;
    while (this.now() < deadlineMs && !this.#isSettled()) await sleep(POLL_MS);
  }

  async race(_ms: number, turns: number): Promise<void> {
    await sleep(turns * TURN_MS);
  }

  async pause(turns: number): Promise<void> {
    if (turns > 0) await sleep(turns * TURN_MS);
  }

  hint(): void {
    // The kernel tells of everything by itself.
  }

  fillDisk(isFull: boolean): boolean {
    return setFull(this.#disk, isFull);
  }

  damage(how: Damage, at: number): void {
    damage(this.#stateDir, how, at);
    this.#journal.distrust();
  }

  letters(sink: string): readonly Sighting[] {
    return lettersOf(this.#stateDir, sink);
  }

  check(): void {
    const agent = this.#agent;
    if (agent === undefined) return;
    this.#observe();
    if (agent.exit !== undefined) {
      this.#agent = undefined;
      this.#stage.oracle.fault(`the agent ended by itself: ${agent.tail()}`);
    }
  }

  async catchUp(isDone: () => boolean): Promise<void> {
    const deadlineMs = this.now() + MAX_CATCH_UP_MS;
    while (this.now() < deadlineMs && this.#agent?.exit === undefined && !isDone()) {
      await sleep(POLL_MS);
      this.#observe();
    }
  }

  async close(): Promise<void> {
    if (this.#agent !== undefined) await this.#agent.kill9();
    if (this.#isListening) await this.#http.close();
    this.#disk?.unmount();
    rmSync(this.#root, { recursive: true, force: true });
  }

  #configure(): void {
    const { patterns, settings } = this.#stage;
    this.#version += 1;
    writeConfig(this.#configPath, {
      stateDir: this.#stateDir,
      resource: { version: `${this.#version}` },
      ...configurationOf(settings, patterns, "5s"),
      sinks: this.#http.sinks(this.#version),
      checkpoints: { interval: "50ms" },
      log: { level: "debug", format: "json" },
    });
  }

  /** Whether the sinks that take anything have all there is, for good. */
  #isSettled(): boolean {
    this.#observe();
    const { oracle, receivers } = this.#stage;
    const healthy = receivers.filter(({ mode }) => mode !== "down" && mode !== "blocked" && mode !== "throttled");
    return oracle.isDurable(healthy.map(({ settings }) => settings.name));
  }

  /** What the journal and the log say since they were read last. */
  #observe(): void {
    const { oracle, tell } = this.#stage;
    const lines = this.#agent?.log() ?? [];
    for (const { line, message } of lines.slice(this.#logged)) {
      const { event, sink, account } = logLine.parse(JSON.parse(line));
      if (sink !== undefined && account !== undefined) this.#accounts.set(sink, account);
      else tell(`    ${message}`);
      if (event === "sink.unbalanced") oracle.fault(line);
    }
    this.#logged = lines.length;
    const { losses, cursors } = this.#journal.read();
    for (const loss of losses) oracle.lost(loss);
    for (const cursor of cursors) oracle.durable(cursor);
  }

  #logs(event: string, count = 1): Promise<unknown> {
    const agent = this.#agent;
    const isThere = (): boolean =>
      agent?.exit !== undefined ||
      (agent?.log() ?? []).filter(({ line }) => logLine.parse(JSON.parse(line)).event === event).length >= count;
    return until(event, isThere, { timeoutMs: MAX_START_MS, everyMs: POLL_MS, detail: () => agent?.tail() ?? "" });
  }
}

const logLine = z.object({
  event: z.string().optional(),
  sink: z.string().optional(),
  account: z
    .object({
      deliveredBytes: z.number(),
      filteredBytes: z.number(),
      deadLetteredBytes: z.number(),
      lostBytes: z.number(),
      pendingBytes: z.number(),
      imbalanceBytes: z.number(),
    })
    .optional(),
});
