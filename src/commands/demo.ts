import { mkdtemp, realpath, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "../agent.ts";
import { formatProblem, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { systemClock } from "../core/clock.ts";
import { describeError, EXIT, UserError } from "../core/errors.ts";
import { accountTable, type Evidence, findFaults, findImbalance, independentCheck } from "../demo/account.ts";
import { Application } from "../demo/application.ts";
import { demoConfiguration } from "../demo/configuration.ts";
import { Intake } from "../demo/intake.ts";
import { watchForHints } from "../files/watcher.ts";
import type { Interruption } from "./interruption.ts";
import { introduction } from "../demo/introduction.ts";
import { type Progress, progressLine } from "../demo/progress-line.ts";
import { remarkable } from "../demo/remarkable.ts";
import { Screen } from "../demo/screen.ts";
import { Tally } from "../demo/sequence.ts";
import { tallyStandardOutput } from "../demo/standard-output.ts";
import { createLogger, logEvents } from "../telemetry/logger.ts";
import { parseQuantity } from "./demo-parts.ts";
import type { CommandIo } from "./io.ts";

const LINES_A_SECOND = 60;
const ROTATE_EVERY_MS = 4_000;
const KEEP = 3;
/** How often the live line is drawn anew on a terminal, and printed elsewhere. */
const DRAW_MS = 200;
const PRINT_MS = 2_000;

/**
 * Runs the agent between an application and an intake of its own, until a signal comes or the time is up; then everything
 * is delivered and checked. Resolves to the exit code.
 */
export async function demoCommand(
  options: { readonly seconds?: string | undefined },
  io: CommandIo,
  interruption: Interruption,
): Promise<number> {
  const seconds =
    options.seconds === undefined ? Number.POSITIVE_INFINITY : parseQuantity("--seconds", options.seconds);
  const directory = await makeDirectory();
  try {
    const intake = await Intake.listen({ host: "127.0.0.1", port: 0, clock: systemClock });
    try {
      return await new Demo(directory, intake, io).run(seconds, interruption);
    } finally {
      await intake.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeDirectory(): Promise<string> {
  try {
    return await realpath(await mkdtemp(join(tmpdir(), "tailcar-demo-")));
  } catch (error) {
    throw new UserError(`the demo needs a temporary directory: ${describeError(error)}`);
  }
}

function readNoFile(path: string): never {
  throw new Error(`the demo's configuration refers to no file, but asked for ${path}`);
}

class Demo {
  readonly #directory: string;
  readonly #intake: Intake;
  readonly #io: CommandIo;
  readonly #screen: Screen;
  readonly #application: Application;
  readonly #tallies: Readonly<Record<string, Tally>>;
  readonly #stdoutTally = new Tally();
  readonly #startedMs = systemClock.elapsed();

  constructor(directory: string, intake: Intake, io: CommandIo) {
    this.#directory = directory;
    this.#intake = intake;
    this.#io = io;
    this.#screen = new Screen(io.stdout, io.stderr);
    this.#tallies = { ...intake.tallies, stdout: this.#stdoutTally };
    this.#application = new Application({
      directory: join(directory, "logs"),
      rate: LINES_A_SECOND,
      rotateEveryMs: ROTATE_EVERY_MS,
      keep: KEEP,
      isNeeded: (sequence) => Object.values(this.#tallies).some((tally) => tally.sequences.prefix <= sequence),
      clock: systemClock,
      random: Math.random,
    });
  }

  async run(seconds: number, interruption: Interruption): Promise<number> {
    const config = this.#config();
    const logger = createLogger({ ...config.log, stream: this.#screen.log });
    const agent = await Agent.create(config, {
      sinks: this.#io.sinks,
      stdout: tallyStandardOutput(this.#stdoutTally),
      clock: systemClock,
      watch: watchForHints,
      random: Math.random,
      emit: remarkable(logEvents(logger), systemClock),
      hostname: hostname(),
    });
    this.#screen.print(introduction(this.#directory, this.#intake.port));
    interruption.repeated.addEventListener("abort", () => agent.stop("interrupted again"));
    this.#io.stdout.on("error", () => interruption.stop("the output is closed"));
    const exitCode = await this.#untilDelivered(agent, interruption, seconds);
    return this.#conclude(agent, exitCode);
  }

  /** The application writes until it is stopped; then the agent delivers the rest. Resolves to the agent's exit code. */
  async #untilDelivered(agent: Agent, interruption: Interruption, seconds: number): Promise<number> {
    const drawn = new AbortController();
    const drawing = this.#draw(agent, drawn.signal);
    const shipping = agent.run("follow").finally(() => interruption.stop("the agent has ended"));
    const writing = this.#application.run(interruption.signal).finally(() => {
      this.#screen.print(
        `Application stopped (${interruption.reason ?? "it failed"}), outages over; delivering the rest.`,
      );
      this.#intake.heal();
      agent.stop("the application has stopped");
    });
    interruption.stopAfter(seconds * 1_000, `${seconds} seconds are over`);
    const [shipped, written] = await Promise.allSettled([shipping, writing]);
    drawn.abort();
    await drawing;
    if (written.status === "rejected")
      throw new UserError(`the demo's application can't write: ${describeError(written.reason)}`);
    if (shipped.status === "rejected") throw shipped.reason;
    return shipped.value;
  }

  async #draw(agent: Agent, done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      this.#screen.show(progressLine(this.#progress(agent), this.#screen.columns));
      await systemClock.sleep(this.#screen.isLive ? DRAW_MS : PRINT_MS, done);
    }
    this.#screen.show(progressLine(this.#progress(agent), this.#screen.columns));
    this.#screen.settle();
  }

  #progress(agent: Agent): Progress {
    return {
      elapsedMs: systemClock.elapsed() - this.#startedMs,
      writtenLines: this.#application.lines,
      rotations: this.#application.rotations,
      sinks: agent.status.sinks.map(({ name, account, gate }) => ({
        name,
        deliveredRecords: account.deliveredRecords,
        pendingBytes: account.pendingBytes,
        failure: gate.kind === "closed" ? undefined : gate.failure.reason,
      })),
    };
  }

  #conclude(agent: Agent, exitCode: number): number {
    const { lines, bytes } = this.#application;
    const sinks = agent.status.sinks.map(({ name, account }) => {
      return { name, account, tally: this.#tallies[name] ?? new Tally() };
    });
    const evidence: Evidence = { lines, bytes, refusals: this.#intake.refusals, sinks };
    this.#screen.print(`\n${accountTable(evidence)}\n\n${independentCheck(evidence)}`);
    const wasCut = exitCode === EXIT.undelivered;
    const faults = wasCut ? findImbalance(evidence) : findFaults(evidence);
    for (const fault of faults) this.#io.stderr.write(`NOT balanced: ${fault}\n`);
    if (faults.length > 0) return EXIT.failed;
    this.#screen.print(wasCut ? "balanced, with undelivered bytes: the drain was cut short" : "balanced");
    return exitCode;
  }

  /** Read from text as a user's is, but the user's own environment with its keys stays out of the demo. */
  #config(): Config {
    const text = demoConfiguration(this.#intake.port);
    const world = { env: {}, cwd: this.#directory, sinks: this.#io.sinks, readFile: readNoFile };
    const loaded = loadConfig({ text, file: "demo.yaml", ...world });
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
    return loaded.config;
  }
}
