import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentEvent } from "../../src/core/events.ts";
import { Application } from "./application.ts";
import type { Command, Sequence } from "./command.ts";
import { InProcessAgent } from "./in-process-agent.ts";
import { Oracle, type SinkAccount } from "./oracle.ts";
import { Receiver } from "./receiver.ts";
import { damage, isFile } from "./state-directory.ts";
import { someTurns } from "./stepped-clock.ts";

/** The longest that healthy sinks may take to get all there is: back-offs, the grace, a copy in the making. */
const MAX_CATCH_UP_MS = 120_000;
const CATCH_UP_STEP_MS = 2_000;

/** What a sequence showed: nothing, if all is well. */
export interface Finding {
  readonly violations: readonly string[];
  /** What happened, step by step. */
  readonly story: readonly string[];
}

/** Plays a sequence with the agent in this process. */
export async function play(sequence: Sequence): Promise<Finding> {
  const world = new World(sequence);
  try {
    return await world.play();
  } finally {
    await world.close();
  }
}

/** Real file system for the logs; the state needs no disk that survives a power cut. */
const STATE_ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

class World {
  readonly #sequence: Sequence;
  readonly #logs = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-model-")));
  readonly #state = realpathSync(mkdtempSync(join(STATE_ROOT, "tailcar-model-")));
  readonly #oracle: Oracle;
  readonly #receivers: readonly Receiver[];
  readonly #application: Application;
  readonly #story: string[] = [];
  #agent: InProcessAgent | undefined;
  /** Time while no agent runs. */
  #nowMs = 1_000_000;
  #runs = 0;
  #stateDir: string;

  constructor(sequence: Sequence) {
    this.#sequence = sequence;
    const { settings } = sequence;
    const names = settings.sinks.map((sink, n) => ({ ...sink, name: `sink${n}` }));
    this.#oracle = new Oracle(new Map(names.map(({ name, concurrency }) => [name, { isOrdered: concurrency === 1 }])), {
      keepsOpen: settings.maxOpenFiles > 100,
    });
    this.#receivers = names.map((one) => new Receiver(one, this.#oracle));
    this.#application = new Application(this.#logs, this.#oracle, () => this.#now());
    this.#stateDir = join(this.#state, "0");
    mkdirSync(this.#stateDir);
  }

  async play(): Promise<Finding> {
    for (const command of this.#sequence.commands) {
      this.#story.push(`${this.#now()} ${JSON.stringify(command)}`);
      await this.#do(command);
      this.#hint(command);
      this.#check();
      if (this.#oracle.violations.length > 0) return this.#finding();
    }
    await this.#conclude();
    return this.#finding();
  }

  #finding(): Finding {
    return { violations: this.#oracle.violations, story: this.#story };
  }

  #now(): number {
    return this.#agent?.clock.elapsed() ?? this.#nowMs;
  }

  async #do(command: Command): Promise<void> {
    const application = this.#application;
    switch (command.do) {
      case "write":
        return application.write(command.stream, command.lines, command.unfinished ?? false);
      case "writeLate":
        return application.writeLate(command.stream, command.lines, command.unfinished ?? false);
      case "rotate":
        return application.rotate(command.stream, command.how, command.between ?? [], () =>
          someTurns(command.turns ?? 0),
        );
      case "delete":
        return application.delete(command.stream);
      case "deleteOldest":
        return application.deleteOldest(command.stream);
      case "truncate":
        return application.truncate(command.stream, command.lines);
      case "wait":
        return this.#wait(command.ms);
      case "race":
        await this.#agent?.clock.advanceIntoWork(command.ms, command.turns);
        return;
      case "start":
        return this.#start();
      case "stop":
        return this.#stop();
      case "kill":
        return this.#kill();
      case "reload":
        return this.#agent?.reload();
      case "sink":
        return this.#switch(command.sink, command.mode);
      case "damage":
        if (this.#agent !== undefined) return;
        damage(this.#stateDir, command.how, command.at);
        return this.#oracle.damaged();
      case "disk":
        return;
    }
  }

  /** The kernel tells of a change in the directory; or it does not, where hints can't be had. */
  #hint(command: Command): void {
    if (!("stream" in command)) return;
    const { isWatching } = this.#sequence.settings;
    if (!isWatching && !("hint" in command && command.hint)) return;
    const { stream } = command;
    const isEntry = command.do !== "writeLate";
    const names = isEntry
      ? this.#oracle.generations.flatMap((one) => (one.stream === stream ? (one.name ?? []) : []))
      : [];
    for (const name of new Set([stream, ...names])) this.#agent?.hint(join(this.#logs, name), isEntry);
  }

  async #wait(ms: number): Promise<void> {
    if (this.#agent === undefined) this.#nowMs += ms;
    else await this.#agent.clock.advance(ms);
    this.#oracle.noticed(this.#now(), this.#includes);
  }

  #switch(sink: number, mode: Receiver["mode"]): void {
    const receiver = this.#receivers[sink];
    if (receiver !== undefined) receiver.mode = mode;
  }

  readonly #includes = (name: string): boolean =>
    this.#sequence.settings.includeRotated ? /\.log([.-].*)?$/.test(name) : name.endsWith(".log");

  async #start(): Promise<void> {
    if (this.#agent !== undefined) return;
    const { includeRotated, maxOpenFiles, isWatching } = this.#sequence.settings;
    const patterns = includeRotated ? ["*.log", "*.log.*", "*.log-*"] : ["*.log"];
    for (const receiver of this.#receivers) receiver.startRun();
    this.#agent = new InProcessAgent(
      {
        include: patterns.map((pattern) => join(this.#logs, pattern)),
        stateDir: this.#stateDir,
        maxOpenFiles,
        isWatching,
        receivers: this.#receivers,
        onEvent: (event) => this.#onEvent(event),
      },
      this.#nowMs,
    );
    this.#oracle.started(this.#nowMs);
    await this.#agent.start();
  }

  async #stop(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    await agent.stop();
    this.#ended(agent);
    this.#oracle.stopped(this.#nowMs);
  }

  async #kill(): Promise<void> {
    const agent = this.#agent;
    if (agent === undefined) return;
    const nowMs = this.#now();
    this.#runs += 1;
    this.#stateDir = join(this.#state, `${this.#runs}`);
    await agent.kill(this.#stateDir);
    this.#agent = undefined;
    this.#nowMs = nowMs;
    this.#oracle.killed(nowMs);
  }

  #ended(agent: InProcessAgent): void {
    this.#nowMs = agent.clock.elapsed();
    this.#agent = undefined;
    if (agent.exit !== undefined && "error" in agent.exit)
      this.#oracle.fault(`the agent failed: ${String(agent.exit.error)}`);
  }

  /** What holds at every moment. */
  #check(): void {
    const agent = this.#agent;
    if (agent?.exit !== undefined) {
      this.#ended(agent);
      this.#oracle.fault("the agent ended by itself");
    }
    for (const { name, account } of agent?.accounts ?? []) {
      if (account.imbalanceBytes !== 0) this.#oracle.fault(`${name} is off balance by ${account.imbalanceBytes}`);
      if (account.pendingBytes < 0) this.#oracle.fault(`${name} has ${account.pendingBytes} bytes pending`);
    }
  }

  #onEvent(event: AgentEvent): void {
    if (event.kind !== "sink.account") this.#story.push(`${this.#now()}     ${JSON.stringify(event, bigintless)}`);
    if (event.kind === "sink.unbalanced") this.#oracle.fault(`unbalanced: ${JSON.stringify(event)}`);
    if (event.kind === "data.lost") {
      const { sink, file, from, to } = event.loss;
      this.#oracle.lost({ sink, from, to, isOf: isFile(this.#stateDir, file) });
    }
  }

  /** All sinks are healthy again, and the agent gets the time that it needs. */
  async #conclude(): Promise<void> {
    for (const receiver of this.#receivers) receiver.mode = "up";
    await this.#start();
    const deadlineMs = this.#now() + MAX_CATCH_UP_MS;
    // The first moments only make sure that all is noticed.
    await this.#wait(8_000);
    while (this.#now() < deadlineMs && !this.#isDone()) await this.#wait(CATCH_UP_STEP_MS);
    this.#check();
    const agent = this.#agent;
    const code = agent === undefined ? undefined : await this.#stopAndTell(agent);
    if (code !== undefined && code !== 0) this.#oracle.fault(`exit code ${code} although every sink is healthy`);
    // Nothing is sent again after an end in order.
    await this.#start();
    await this.#wait(1_100);
    await this.#stop();
  }

  #isDone(): boolean {
    return this.#oracle.isComplete(this.#includes);
  }

  async #stopAndTell(agent: InProcessAgent): Promise<number | undefined> {
    await agent.stop();
    this.#ended(agent);
    this.#oracle.stopped(this.#nowMs);
    const accounts = new Map<string, SinkAccount>(agent.accounts.map(({ name, account }) => [name, account]));
    this.#oracle.conclude(this.#includes, accounts);
    return agent.exit !== undefined && "code" in agent.exit ? agent.exit.code : undefined;
  }

  async close(): Promise<void> {
    if (this.#agent !== undefined) await this.#agent.kill(join(this.#state, "end"));
    this.#application.close();
    rmSync(this.#logs, { recursive: true, force: true });
    rmSync(this.#state, { recursive: true, force: true });
  }
}

const bigintless = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);
