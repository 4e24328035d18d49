import { Account, type Window, type Written } from "./accounting.ts";
import type { AgentProcess } from "./agent-process.ts";
import type { DatadogIntake } from "./datadog-intake.ts";
import { until } from "./poll.ts";
import { datadogSink, eventually, Scene, splunkSink, type LogWriter } from "./scene.ts";
import type { SplunkIntake } from "./splunk-intake.ts";
import { LineSplitter, stdoutRecord } from "./stdout-records.ts";

const CHECKPOINT_MS = 50;

/**
 * The unacknowledged window: a line may come again only when its first delivery was in flight at the kill, or was
 * answered so shortly before that its checkpoint was not durable. That is one interval of the checkpoints, and the time
 * that the answer, the event loop and the disk take on a loaded machine.
 */
const WINDOW_MS = CHECKPOINT_MS + 950;

/**
 * What a killed agent had sent lies in sockets, and is read and counted after its death on a loaded machine. Its successor
 * takes longer than this to start, so nothing of it falls into this time.
 */
const IN_SOCKETS_MS = 150;

const CONFIG = { checkpoints: { interval: `${CHECKPOINT_MS}ms`, compactAt: "4KiB" } };

interface Accounts {
  readonly datadog: Account;
  readonly splunk: Account;
  readonly stdout: Account;
}

/** Three sinks, each with its account, and an agent that is killed and started again and again. */
export class Siege {
  readonly scene: Scene;
  readonly accounts: Accounts;
  readonly datadog: DatadogIntake;
  readonly splunk: SplunkIntake;
  /** When lines were delivered that may come again, in milliseconds since the test began. */
  readonly windows: Window[] = [];
  readonly #story: string[] = [];
  readonly #startedAt = performance.now();

  static async open(): Promise<Siege> {
    const scene = new Scene();
    const accounts = { datadog: new Account(), splunk: new Account(), stdout: new Account() };
    const from = performance.now();
    const now = (): number => performance.now() - from;
    const datadog = await scene.datadog({ onItem: ({ message }) => accounts.datadog.seeText(message, now()) });
    const splunk = await scene.splunk({
      onEvent: ({ event }) => accounts.splunk.seeText(JSON.stringify(event), now()),
    });
    return new Siege(scene, accounts, datadog, splunk);
  }

  private constructor(scene: Scene, accounts: Accounts, datadog: DatadogIntake, splunk: SplunkIntake) {
    this.scene = scene;
    this.accounts = accounts;
    this.datadog = datadog;
    this.splunk = splunk;
  }

  now(): number {
    return performance.now() - this.#startedAt;
  }

  /** What happened when: to be shown beside a failure. */
  get story(): string {
    return this.#story.join("\n");
  }

  start(): AgentProcess {
    const splitter = new LineSplitter();
    const { stdout } = this.accounts;
    stdout.startRun();
    const onStdout = (chunk: Buffer): void => {
      for (const line of splitter.push(chunk)) {
        stdout.seeText(JSON.stringify(stdoutRecord(line).attributes), this.now());
      }
    };
    const { datadog, splunk } = this;
    const sinks = { datadog: datadogSink(datadog), splunk: splunkSink(splunk), console: { type: "stdout" } };
    this.#story.push(`${this.now().toFixed(0)}: start`);
    return this.scene.agent({ ...CONFIG, sinks }, { onStdout });
  }

  /** Starts an agent and waits until it has delivered something to both intakes. */
  async startAndDeliver(): Promise<AgentProcess> {
    const { datadog, splunk } = this;
    const before = [datadog.indexed, splunk.indexed] as const;
    const agent = this.start();
    await eventually("a delivery to each", agent, () => datadog.indexed > before[0] && splunk.indexed > before[1]);
    return agent;
  }

  /** Starts the first agent, lets it meet all files, and only then has them rotated. */
  async begin(writer: LogWriter, files: number): Promise<AgentProcess> {
    const agent = await this.startAndDeliver();
    const all = Object.values(this.accounts);
    await eventually("lines of every file", agent, () => all.every((account) => account.files === files));
    writer.startRotating();
    return agent;
  }

  /** Waits for the end of an agent that is being killed, and notes what may be delivered again. */
  async ended(name: string, agent: AgentProcess, heldSince = Infinity): Promise<void> {
    const exit = await agent.waitExit(60_000);
    if (exit.signal !== "SIGKILL") throw new Error(`the agent ended by itself: ${agent.tail()}`);
    const to = this.now();
    this.windows.push({ from: Math.min(to, heldSince) - WINDOW_MS, to: to + IN_SOCKETS_MS });
    this.#story.push(`${to.toFixed(0)}: killed ${name}`);
  }

  async complete(agent: AgentProcess, written: Written): Promise<void> {
    // The one before it may have delivered everything: then this one may not have begun to run yet.
    await eventually("it runs", agent, () => agent.log().some(({ line }) => line.includes("running")), 30_000);
    const all = Object.entries(this.accounts);
    const missing = () => all.map(([name, account]) => `${name}: ${account.faults(written).slice(0, 20).join(", ")}`);
    await until("all lines at all sinks", () => all.every(([, account]) => account.isComplete(written)), {
      timeoutMs: 60_000,
      everyMs: 200,
      detail: () => [...missing(), this.story, agent.tail()].join("\n"),
    });
  }
}
