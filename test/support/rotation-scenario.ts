import { setTimeout as pause } from "node:timers/promises";
import type { AgentProcess } from "./agent-process.ts";
import { isObject } from "./json-stream.ts";
import { RotatedLog, WAYS } from "./rotations.ts";
import { datadogSink, eventually, Scene } from "./scene.ts";

export interface Cells {
  readonly agent: "running" | "stopped" | "killed";
  readonly sink: "up" | "down";
  readonly include: "live" | "all";
}

/** What became of the lines that one way of rotating was about. */
export interface Result {
  readonly lost: readonly number[];
  /** Lines that came more than once. */
  readonly repeated: readonly number[];
  /** Lines that came after a younger one of the same log. */
  readonly disordered: readonly number[];
  /** What the ledger names: from, to. */
  readonly named: readonly (readonly [number, number])[];
}

const STEPS = 3;

/**
 * One agent follows a log of each way of rotating, so that one run of it is a cell of the matrix for each of them. What it
 * writes and what arrives is all that is known here of what happens.
 */
export class RotationScenario {
  readonly #cells: Cells;
  readonly #scene = new Scene();
  readonly #logs: readonly RotatedLog[];
  /** Numbers of lines in the order in which they came, by the name of the way. */
  readonly #seen = new Map<string, number[]>();
  #isUp = true;
  /** Bytes of the live file when the agent had delivered the first lines, and when it went, by the name of the way. */
  readonly delivered = new Map<string, number>();
  readonly sizeAtStop = new Map<string, number>();
  /** Lines that were written when it went. */
  readonly writtenAtStop = new Map<string, number>();
  violations: readonly string[] = [];
  /** Records that nobody wrote. */
  readonly strange: string[] = [];
  exitCode: number | null = null;
  summary = "";

  constructor(cells: Cells) {
    this.#cells = cells;
    this.#logs = WAYS.map((way) => new RotatedLog(way, this.#scene.logs));
    for (const { way } of this.#logs) this.#seen.set(way.name, []);
  }

  async run(): Promise<ReadonlyMap<string, Result>> {
    const datadog = await this.#scene.datadog({ onItem: ({ message }) => this.#see(message) });
    datadog.respond = () => (this.#isUp ? undefined : { status: 503, body: {}, indexed: false });
    const sink = datadogSink(datadog, { concurrency: { min: 1, max: 1 }, batch: { maxAge: "20ms" } });
    const start = (): AgentProcess => this.#start(sink);

    this.#write(20);
    const agent = start();
    await this.#arrived("the first lines", agent);
    for (const log of this.#logs) this.delivered.set(log.way.name, log.size);
    this.#isUp = this.#cells.sink === "up";
    this.#write(20);
    await (this.#isUp ? this.#arrived("lines before the rotations", agent) : pause(1_500));
    const last =
      this.#cells.agent === "running" ? await this.#rotateBeside(agent) : await this.#rotateBehind(agent, start);
    this.#isUp = true;
    this.#write(20);
    await this.#arrived("the last lines", last);
    this.exitCode = (await last.terminate()).code;
    this.violations = datadog.violations;
    this.summary = last.log().findLast(({ message }) => message.startsWith("account of"))?.message ?? "";
    for (const log of this.#logs) log.close();
    return new Map(this.#logs.map((log) => [log.way.name, this.#result(log)]));
  }

  get log(): string {
    return this.#scene.agents.map((agent) => agent.tail()).join("\n");
  }

  #start(sink: object): AgentProcess {
    const sources = this.#logs.map((log) => [log.way.name, log.source(this.#cells.include === "all")]);
    const checkpoints = { interval: "50ms" };
    return this.#scene.agent({ sources: Object.fromEntries(sources), sinks: { datadog: sink }, checkpoints });
  }

  /** The agent looks on: it has to see each generation, but no more than that. */
  async #rotateBeside(agent: AgentProcess): Promise<AgentProcess> {
    for (let step = 0; step < STEPS; step += 1) {
      for (const log of this.#logs) log.rotate();
      this.#write(20);
      await (this.#isUp ? this.#arrived(`lines of step ${step}`, agent) : pause(1_500));
      // Names with the time of the rotation would be the same.
      await pause(1_050);
    }
    return agent;
  }

  /** The agent is away while the logs rotate; killed, it goes in the middle of it. */
  async #rotateBehind(agent: AgentProcess, start: () => AgentProcess): Promise<AgentProcess> {
    const isKilled = this.#cells.agent === "killed";
    if (!isKilled) await agent.terminate();
    for (let step = 0; step < STEPS; step += 1) {
      for (const log of this.#logs) {
        this.sizeAtStop.set(log.way.name, this.sizeAtStop.get(log.way.name) ?? log.size);
        this.writtenAtStop.set(log.way.name, this.writtenAtStop.get(log.way.name) ?? log.written);
        if (step === 0 || log.way.leavesNothing !== true) log.rotate();
      }
      if (isKilled && step === 0) {
        for (const { way, written } of this.#logs) this.writtenAtStop.set(way.name, written);
        await agent.kill9();
      }
      this.#write(20);
      await pause(1_050);
    }
    const next = start();
    await pause(this.#isUp ? 0 : 1_500);
    return next;
  }

  #write(lines: number): void {
    for (const log of this.#logs) log.write(lines);
  }

  #see(message: string): void {
    const [, name = "", number = ""] = /^\0*(\w+) (\d+) x+$/.exec(message) ?? [];
    const seen = this.#seen.get(name);
    if (seen === undefined) this.strange.push(message.slice(0, 200));
    else seen.push(Number(number));
  }

  /** Everything that was written has come; of a log that may have lost something, the latest line. */
  async #arrived(what: string, agent: AgentProcess): Promise<void> {
    const missing = (): string[] =>
      this.#logs.flatMap((log) => {
        const seen = new Set(this.#seen.get(log.way.name));
        const mayLose = this.#cells.agent !== "running" && log.way.leavesNothing === true;
        const isThere = mayLose ? seen.has(log.written - 1) : seen.size >= log.written;
        return isThere ? [] : [`${log.way.name}: ${seen.size} of ${log.written}`];
      });
    try {
      await eventually(what, agent, () => missing().length === 0, 20_000);
    } catch (error) {
      throw new Error(`${missing().join(", ")}\n${this.log}`, { cause: error });
    }
  }

  #result({ way, written, directory }: RotatedLog): Result {
    const came = this.#seen.get(way.name) ?? [];
    const seen = new Set<number>();
    const repeated: number[] = [];
    const disordered: number[] = [];
    let latest = -1;
    for (const number of came) {
      if (seen.has(number)) repeated.push(number);
      else if (number < latest) disordered.push(number);
      seen.add(number);
      latest = Math.max(latest, number);
    }
    const lost = Array.from({ length: written }, (_, number) => number).filter((number) => !seen.has(number));
    return { lost, repeated, disordered, named: this.#losses(`${directory}/`) };
  }

  /** The losses that the agents told of files of a directory. */
  #losses(directory: string): (readonly [number, number])[] {
    return this.#scene.agents.flatMap((agent) =>
      agent.log().flatMap(({ line }) => {
        const entry: unknown = JSON.parse(line);
        const loss = isObject(entry) ? entry["loss"] : undefined;
        if (!isObject(loss) || !String(loss["path"]).startsWith(directory)) return [];
        return [[Number(loss["from"]), Number(loss["to"])] as const];
      }),
    );
  }
}
