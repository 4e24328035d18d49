import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Application, DROPPED, STREAMS } from "./application.ts";
import type { Command, Sequence, Settings } from "./command.ts";
import type { Driver, Stage } from "./driver.ts";
import { InProcessDriver } from "./in-process-driver.ts";
import { Oracle } from "./oracle.ts";
import { Receiver } from "./receiver.ts";
import { withoutRights } from "../support/rights.ts";

/** What a sequence showed: nothing, if all is well. */
export interface Finding {
  readonly violations: readonly string[];
  /** What happened, step by step. */
  readonly story: readonly string[];
}

export type Play = (sequence: Sequence) => Promise<Finding>;

/** Where agents run decides what the oracle can know of them, and how fast a sequence is. */
export interface DriverKind {
  readonly create: (stage: Stage) => Driver;
  /** Whether what the agent knows follows from what it has shown, because its time can't be stepped. */
  readonly isObserved: boolean;
}

export const playWith =
  (kind: DriverKind): Play =>
  async (sequence) => {
    const world = new World(sequence, kind);
    try {
      return await world.play();
    } finally {
      await world.close();
    }
  };

const playInProcess = playWith({ create: (stage) => new InProcessDriver(stage), isObserved: false });

/** Plays a sequence with the agent in this process. */
export const play: Play = (sequence) =>
  sequence.commands.some((command) => command.do === "chmod")
    ? withoutRights(() => playInProcess(sequence))
    : playInProcess(sequence);

class World {
  readonly #sequence: Sequence;
  readonly #logs = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-model-")));
  readonly #oracle: Oracle;
  readonly #receivers: readonly Receiver[];
  readonly #application: Application;
  readonly #driver: Driver;
  readonly #story: string[] = [];

  constructor(sequence: Sequence, { create, isObserved }: DriverKind) {
    this.#sequence = sequence;
    const { settings } = sequence;
    const names = settings.sinks.map((sink, n) => ({ ...sink, name: `sink${n}` }));
    this.#oracle = new Oracle(new Map(names.map(({ name, concurrency }) => [name, { isOrdered: concurrency === 1 }])), {
      keepsOpen: settings.maxOpenFiles > 100,
      isObserved,
      now: () => this.#driver.now(),
      includes: this.#includes,
      rules: {
        joins: settings.reading === "joins",
        dropped: settings.reading === "drops" ? DROPPED : undefined,
      },
    });
    this.#receivers = names.map((one) => new Receiver(one, this.#oracle));
    this.#driver = create({
      settings,
      needsSmallDisk: sequence.commands.some((command) => command.do === "disk"),
      logs: this.#logs,
      patterns: patternsOf(settings).map((pattern) => join(this.#logs, pattern)),
      oracle: this.#oracle,
      receivers: this.#receivers,
      tell: (line) => this.#tell(line),
    });
    const now = (): number => this.#driver.now();
    this.#application = new Application(this.#logs, this.#oracle, now, {
      isDistinct: isObserved,
      beginsAlike: settings.beginsAlike,
      bulkBytes: settings.maxRecordBytes > 1_000 ? 90_000 : 900,
    });
  }

  async play(): Promise<Finding> {
    for (const command of this.#sequence.commands) {
      this.#tell(JSON.stringify(command));
      await this.#do(command);
      this.#hint(command);
      this.#driver.check();
      if (this.#oracle.violations.length > 0) return this.#finding();
    }
    await this.#conclude();
    return this.#finding();
  }

  #finding(): Finding {
    return { violations: this.#oracle.violations, story: this.#story };
  }

  #tell(line: string): void {
    this.#story.push(`${Math.round(this.#driver.now())} ${line}`);
  }

  async #do(command: Command): Promise<void> {
    const application = this.#application;
    const driver = this.#driver;
    switch (command.do) {
      case "write":
        return application.write(command.stream, command.lines, command.unfinished ?? false);
      case "writeLate":
        return application.writeLate(command.stream, command.lines, command.unfinished ?? false);
      case "rotate": {
        const pause = (): Promise<void> => driver.pause(command.turns ?? 0);
        return application.rotate(command.stream, command.how, command.between ?? [], pause);
      }
      case "delete":
        return application.delete(command.stream);
      case "deleteOldest":
        return application.deleteOldest(command.stream);
      case "truncate":
        return application.truncate(command.stream, command.lines);
      case "regrow":
        return application.regrow(command.stream);
      case "compress":
        return application.compress(command.stream, () => driver.pause(command.turns ?? 0));
      case "wait":
        return driver.wait(command.ms);
      case "race":
        return driver.race(command.ms, command.turns);
      case "start":
        return driver.start();
      case "stop":
        this.#oracle.stopping();
        await driver.stop();
        return;
      case "kill":
        return driver.kill();
      case "reload":
        return driver.reload();
      case "sink":
        return this.#switch(command.sink, command.mode);
      case "damage":
        if (driver.isRunning) return;
        driver.damage(command.how, command.at);
        return this.#oracle.damaged();
      case "chmod":
        return application.chmod(command.stream, command.isReadable);
      case "disk":
        if (driver.fillDisk(command.isFull)) this.#oracle.diskFull(command.isFull, driver.now());
        return;
    }
  }

  /** The kernel tells of a change in the directory; or it does not, where hints can't be had. */
  #hint(command: Command): void {
    if (!("stream" in command)) return;
    const { isWatching } = this.#sequence.settings;
    if (!isWatching && !("hint" in command && command.hint)) return;
    const { stream } = command;
    const isEntry = command.do !== "writeLate" && command.do !== "chmod";
    const names = isEntry
      ? this.#oracle.generations.flatMap((one) => (one.stream === stream ? (one.name ?? []) : []))
      : [];
    for (const name of new Set([stream, ...names])) this.#driver.hint(join(this.#logs, name), isEntry);
  }

  #switch(sink: number, mode: Receiver["mode"]): void {
    const receiver = this.#receivers[sink];
    if (receiver !== undefined) receiver.mode = mode;
  }

  readonly #includes = (name: string): boolean =>
    this.#sequence.settings.includeRotated ? /\.log([.-].*)?$/.test(name) : name.endsWith(".log");

  /** All sinks are healthy again, and the agent gets the time that it needs. */
  async #conclude(): Promise<void> {
    const driver = this.#driver;
    const oracle = this.#oracle;
    for (const receiver of this.#receivers) receiver.mode = "up";
    await this.#do({ do: "disk", isFull: false });
    for (const stream of STREAMS) await this.#do({ do: "chmod", stream, isReadable: true });
    await driver.start();
    await driver.catchUp(() => oracle.isComplete());
    driver.check();
    const ending = await driver.stop();
    for (const { settings } of this.#receivers) {
      for (const letter of driver.letters(settings.name)) oracle.kept(settings.name, letter);
    }
    if (ending !== undefined) oracle.conclude(ending.accounts);
    const code = ending?.code ?? 0;
    if (code !== 0) oracle.fault(`exit code ${code} although every sink is healthy`);
    // Nothing is sent again after an end in order.
    await driver.start();
    await driver.wait(1_100);
    await driver.stop();
  }

  async close(): Promise<void> {
    await this.#driver.close();
    this.#application.close();
    rmSync(this.#logs, { recursive: true, force: true });
  }
}

const patternsOf = ({ includeRotated }: Settings): readonly string[] =>
  includeRotated ? ["*.log", "*.log.*", "*.log-*"] : ["*.log"];
