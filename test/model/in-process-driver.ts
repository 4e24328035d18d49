import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { AgentEvent } from "../../src/core/events.ts";
import { SmallDisk } from "../support/small-disk.ts";
import type { Driver, Ending, Stage } from "./driver.ts";
import type { Generation } from "./generation.ts";
import { InProcessAgent } from "./in-process-agent.ts";
import type { Sighting } from "./oracle.ts";
import { type Damage, damage, isFile, lettersOf } from "./state-directory.ts";
import { someTurns } from "./stepped-clock.ts";

/** The longest that healthy sinks may take to get all there is: back-offs, the grace, a copy in the making. */
const MAX_CATCH_UP_MS = 120_000;
const CATCH_UP_STEP_MS = 2_000;

/** Real file system for the logs; the state needs no disk that survives a power cut. */
export const STATE_ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Room for the state, and for that of the killed agents before. */
export const STATE_KIB = 8_192;

/** False if there is no such disk. */
export function setFull(disk: SmallDisk | undefined, isFull: boolean): boolean {
  if (disk === undefined) return false;
  if (isFull) disk.fill();
  else disk.empty();
  return true;
}

/** Runs the agents in this process, on a stepped clock. */
export class InProcessDriver implements Driver {
  readonly #stage: Stage;
  readonly #root = realpathSync(mkdtempSync(join(STATE_ROOT, "tailcar-model-")));
  #agent: InProcessAgent | undefined;
  /** Time while no agent runs. */
  #nowMs = 1_000_000;
  #kills = 0;
  #stateDir = join(this.#root, "0");
  readonly #disk: SmallDisk | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#disk = stage.needsSmallDisk ? SmallDisk.mountIfAllowed(this.#root, STATE_KIB) : undefined;
    mkdirSync(this.#stateDir);
  }

  get isRunning(): boolean {
    return this.#agent !== undefined;
  }

  now(): number {
    return this.#agent?.clock.elapsed() ?? this.#nowMs;
  }

  async start(): Promise<void> {
    if (this.#agent !== undefined) return;
    const { settings, patterns, receivers, oracle } = this.#stage;
    for (const receiver of receivers) receiver.startRun();
    const onEvent = (event: AgentEvent): void => this.#onEvent(event);
    this.#agent = new InProcessAgent(
      { include: patterns, stateDir: this.#stateDir, settings, receivers, onEvent },
      this.#nowMs,
    );
    oracle.started(this.#nowMs);
    await this.#agent.start();
  }

  async stop(): Promise<Ending | undefined> {
    const agent = this.#agent;
    if (agent === undefined) return undefined;
    await agent.stop();
    this.#ended(agent);
    this.#stage.oracle.stopped(this.#nowMs);
    const code = agent.exit !== undefined && "code" in agent.exit ? agent.exit.code : undefined;
    return { code, accounts: new Map(agent.accounts.map(({ name, account }) => [name, account])) };
  }

  async kill(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    const nowMs = this.now();
    this.#kills += 1;
    this.#stateDir = join(this.#root, `${this.#kills}`);
    const isFull = this.#disk?.isFull === true;
    if (isFull) this.#disk?.empty();
    await agent.kill(this.#stateDir);
    if (isFull) this.#disk?.fill();
    this.#agent = undefined;
    this.#nowMs = nowMs;
    this.#stage.oracle.killed(nowMs);
  }

  async reload(): Promise<void> {
    await this.#agent?.reload();
  }

  async wait(ms: number): Promise<void> {
    if (this.#agent === undefined) this.#nowMs += ms;
    else await this.#agent.clock.advance(ms);
    this.#stage.oracle.noticed(this.now());
  }

  async race(ms: number, turns: number): Promise<void> {
    await this.#agent?.clock.advanceIntoWork(ms, turns);
  }

  pause(turns: number): Promise<void> {
    return someTurns(turns);
  }

  hint(path: string, isEntry: boolean): void {
    this.#agent?.hint(path, isEntry);
  }

  fillDisk(isFull: boolean): boolean {
    return setFull(this.#disk, isFull);
  }

  damage(how: Damage, at: number): void {
    damage(this.#stateDir, how, at);
  }

  letters(sink: string): readonly Sighting[] {
    return lettersOf(this.#stateDir, sink);
  }

  check(): void {
    const { oracle } = this.#stage;
    const agent = this.#agent;
    if (agent?.exit !== undefined) {
      this.#ended(agent);
      oracle.fault("the agent ended by itself");
    }
    for (const { name, account } of agent?.accounts ?? []) {
      if (account.imbalanceBytes !== 0) oracle.fault(`${name} is off balance by ${account.imbalanceBytes}`);
      if (account.pendingBytes < 0) oracle.fault(`${name} has ${account.pendingBytes} bytes pending`);
    }
  }

  async catchUp(isDone: () => boolean): Promise<void> {
    const deadlineMs = this.now() + MAX_CATCH_UP_MS;
    // The first moments only make sure that all is noticed.
    await this.wait(8_000);
    while (this.now() < deadlineMs && !isDone()) await this.wait(CATCH_UP_STEP_MS);
  }

  async close(): Promise<void> {
    this.fillDisk(false);
    if (this.#agent !== undefined) await this.#agent.kill(join(this.#root, "end"));
    this.#disk?.unmount();
    rmSync(this.#root, { recursive: true, force: true });
  }

  #ended(agent: InProcessAgent): void {
    this.#nowMs = agent.clock.elapsed();
    this.#agent = undefined;
    if (agent.exit !== undefined && "error" in agent.exit)
      this.#stage.oracle.fault(`the agent failed: ${String(agent.exit.error)}`);
  }

  #onEvent(event: AgentEvent): void {
    const { oracle, tell } = this.#stage;
    if (event.kind !== "sink.account") tell(`    ${JSON.stringify(event, bigintless)}`);
    if (event.kind === "sink.unbalanced") oracle.fault(`unbalanced: ${JSON.stringify(event)}`);
    if (event.kind === "data.lost") {
      const { sink, file, from, to, path } = event.loss;
      // What a full disk could not be told is known by its name alone.
      const isNamedAlike = (generation: Generation): boolean =>
        basename(path).startsWith(generation.stream.charAt(0)) && generation.size >= to;
      oracle.lost({ sink, from, to, isOf: isFile(this.#stateDir, file) ?? isNamedAlike });
    }
  }
}

const bigintless = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);
