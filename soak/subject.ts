import { join } from "node:path";
import { imageSettings } from "../bench/processes.ts";
import { Account, numberedLine, type Written } from "../test/support/accounting.ts";
import { AgentProcess, PROJECT, writeConfig } from "../test/support/agent-process.ts";
import { DatadogIntake } from "../test/support/datadog-intake.ts";
import { SplunkIntake } from "../test/support/splunk-intake.ts";
import { LineSplitter } from "../test/support/stdout-records.ts";

const API_KEY = "soak-key";
const TOKEN = "11111111-2222-3333-4444-555555555555";

/** Splunk refuses each line whose number is a multiple of this, until it is cured. */
const POISON_EVERY = 997;

/** The agent runs as in the image: built, with its flags and environment. */
const BUILT = join(PROJECT, "dist/cli.js");
const IMAGE = imageSettings();
const ENVIRONMENT = Object.fromEntries(IMAGE.assignments.map((assignment) => assignment.split("=")));

const TIMEOUT = { connect: "2s", response: "2s", total: "3s" };

/** One agent with its three sinks, and what arrived there by the lines' own numbers. */
export class Subject {
  readonly name: string;
  readonly datadog: DatadogIntake;
  readonly splunk: SplunkIntake;
  readonly accounts = { datadog: new Account(), splunk: new Account(), console: new Account() };
  agent: AgentProcess | undefined;
  runs = 0;
  #isCured = false;
  readonly #dir: string;
  readonly #logs: string;

  constructor(name: string, dir: string, logs: string) {
    this.name = name;
    this.#dir = join(dir, name);
    this.datadog = new DatadogIntake({
      apiKey: API_KEY,
      onItem: ({ message }) => this.#see("datadog", message),
    });
    this.splunk = new SplunkIntake({
      token: TOKEN,
      acknowledges: true,
      isPoison: ({ event }) => !this.#isCured && isPoison(JSON.stringify(event)),
      onEvent: ({ event }) => this.#see("splunk", typeof event === "string" ? event : JSON.stringify(event)),
    });
    this.#logs = logs;
  }

  get #config(): string {
    return join(this.#dir, "..", `${this.name}.yaml`);
  }

  async open(): Promise<void> {
    await Promise.all([this.datadog.listen(), this.splunk.listen()]);
    writeConfig(this.#config, {
      stateDir: join(this.#dir, "state"),
      sources: { app: { include: [join(this.#logs, "*.log")], format: "json", rotated: { grace: "5s" } } },
      sinks: {
        datadog: { type: "datadog", endpoint: this.datadog.endpoint, apiKey: API_KEY, timeout: TIMEOUT },
        splunk: {
          type: "splunkHec",
          endpoint: this.splunk.endpoint,
          token: TOKEN,
          timeout: TIMEOUT,
          acknowledge: true,
          ackInterval: "500ms",
          ackTimeout: "5s",
        },
        console: { type: "stdout", format: "raw" },
      },
      checkpoints: { interval: "250ms", compactAt: "64KiB" },
      log: { level: "warn" },
    });
  }

  start(): AgentProcess {
    const splitter = new LineSplitter();
    const onStdout = (chunk: Buffer): void => {
      for (const line of splitter.push(chunk)) this.#see("console", line);
    };
    this.runs += 1;
    this.agent = this.#run(["run"], onStdout);
    return this.agent;
  }

  /** The exit code of `tailcar audit` and what it printed. */
  async audit(): Promise<{ readonly code: number | null; readonly text: string }> {
    const run = this.#run(["audit"]);
    const { code } = await run.waitExit(30_000);
    return { code, text: run.stdout };
  }

  /** Cures Splunk and sends the dead letters again. */
  async replay(): Promise<{ readonly code: number | null; readonly text: string }> {
    this.#isCured = true;
    const run = this.#run(["replay"]);
    const { code } = await run.waitExit(60_000);
    return { code, text: run.stderr.trim() };
  }

  /** Whether everything has arrived but what waits among the dead letters. */
  hasAll(written: Written): boolean {
    const { datadog, splunk, console } = this.accounts;
    const total = Object.values(written).reduce((sum, count) => sum + count, 0);
    return datadog.isComplete(written) && console.isComplete(written) && splunk.seen >= total - poisoned(written);
  }

  /** What is missing, by sink. */
  faults(written: Written): readonly string[] {
    return Object.entries(this.accounts).flatMap(([sink, account]) =>
      account.faults(written).map((fault) => `${this.name}/${sink}: ${fault}`),
    );
  }

  get violations(): readonly string[] {
    return [...this.datadog.violations, ...this.splunk.violations].map((violation) => `${this.name}: ${violation}`);
  }

  async close(): Promise<void> {
    if (this.agent?.exit === undefined) await this.agent?.kill9();
    await Promise.all([this.datadog.close(), this.splunk.close()]);
  }

  /** An unfinished last line, as an orderly end sends it, proves nothing: it must come again as a whole. */
  #see(sink: keyof Subject["accounts"], text: string): void {
    if (text.endsWith("}")) this.accounts[sink].seeText(text);
  }

  #run([command = "", ...args]: readonly string[], onStdout?: (chunk: Buffer) => void): AgentProcess {
    return new AgentProcess({
      dir: join(this.#dir, "output"),
      args: [command, "-c", this.#config, ...args],
      cli: BUILT,
      env: ENVIRONMENT,
      nodeFlags: IMAGE.nodeOptions,
      ...(onStdout === undefined ? {} : { onStdout }),
    });
  }
}

function isPoison(text: string): boolean {
  const line = numberedLine(text);
  return line !== undefined && line.seq % POISON_EVERY === 0;
}

const poisoned = (written: Written): number =>
  Object.values(written).reduce((sum, count) => sum + Math.ceil(count / POISON_EVERY), 0);
