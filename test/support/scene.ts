import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { AgentProcess, NODE, writeConfig, type AgentOptions } from "./agent-process.ts";
import type { Written } from "./accounting.ts";
import { DatadogIntake, type DatadogIntakeOptions } from "./datadog-intake.ts";
import { isObject } from "./json-stream.ts";
import { until } from "./poll.ts";
import { SplunkIntake, type SplunkIntakeOptions } from "./splunk-intake.ts";

const DATADOG_KEY = "datadog-test-key";
const SPLUNK_TOKEN = "11111111-2222-3333-4444-555555555555";

export interface AgentConfig {
  readonly sources?: Readonly<Record<string, unknown>>;
  readonly sinks: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** A directory, intakes and processes of one test; all of them end with it. `KEEP_FAILED=1` leaves the files of a failed one. */
export class Scene {
  readonly dir: string;
  /** Where the application writes. */
  readonly logs: string;
  readonly state: string;
  readonly agents: AgentProcess[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #closers: (() => Promise<void>)[] = [];

  constructor() {
    this.dir = realpathSync(mkdtempSync(join(tmpdir(), "tailcar-")));
    this.logs = join(this.dir, "logs");
    this.state = join(this.dir, "state");
    mkdirSync(this.logs);
    onTestFinished(({ task }) => this.#close(task.result?.state === "fail"));
  }

  async #close(failed: boolean): Promise<void> {
    for (const agent of this.agents) {
      if (agent.exit === undefined) await agent.kill9();
    }
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    for (const close of this.#closers) await close();
    if (failed) process.stderr.write(this.agents.map((agent) => `${agent.tail()}\n`).join(""));
    if (failed && process.env["KEEP_FAILED"] !== undefined) process.stderr.write(`kept: ${this.dir}\n`);
    else rmSync(this.dir, { recursive: true, force: true });
  }

  async datadog(options: DatadogIntakeOptions = {}): Promise<DatadogIntake> {
    const intake = await new DatadogIntake({ apiKey: DATADOG_KEY, ...options }).listen();
    this.#closers.push(() => intake.close());
    return intake;
  }

  async splunk(options: SplunkIntakeOptions = {}): Promise<SplunkIntake> {
    const intake = await new SplunkIntake({ token: SPLUNK_TOKEN, ...options }).listen();
    this.#closers.push(() => intake.close());
    return intake;
  }

  /**
   * Starts the agent with `config`, to which `stateDir`, a source of all `*.log` files of `logs` and a short quiet period
   * are added: the default is what the tests of the shutdown are about, in others it would only take time.
   */
  agent(config: AgentConfig, options: Partial<AgentOptions> = {}): AgentProcess {
    const path = join(this.dir, "tailcar.yaml");
    const sources = { app: { include: [join(this.logs, "*.log")], format: "json" } };
    const shutdown = { quietPeriod: "250ms" };
    writeConfig(path, { stateDir: this.state, sources, shutdown, ...config });
    return this.run(["run", "-c", path, ...(options.args ?? [])], options);
  }

  /** Starts the agent with the arguments as they are. */
  run(args: readonly string[], options: Partial<AgentOptions> = {}): AgentProcess {
    const agent = new AgentProcess({ dir: join(this.dir, "output"), ...options, args });
    this.agents.push(agent);
    return agent;
  }

  /** Starts any other program, which is killed at the end of the test. */
  spawn(command: string, args: readonly string[], options: { readonly cwd?: string } = {}): ChildProcess {
    const child = spawn(command, args, { cwd: this.dir, ...options, stdio: ["ignore", "pipe", "inherit"] });
    this.#children.push(child);
    return child;
  }

  /** Starts `log-writer.ts` on `logs`. */
  writer(options: Readonly<Record<string, string | number>>): LogWriter {
    const args = Object.entries({ dir: this.logs, ...options }).map(([name, value]) => `--${name}=${value}`);
    return new LogWriter(this.spawn(NODE, [join(import.meta.dirname, "log-writer.ts"), ...args]));
  }

  write(name: string, text: string | Buffer): void {
    writeFileSync(join(this.logs, name), text, { flag: "a" });
  }
}

/** `log-writer.ts` as a running process. */
export class LogWriter {
  /** The number of lines it wrote to each file, once it has ended. */
  readonly written: Promise<Written>;
  hasEnded = false;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.written = this.#read();
    // A test that fails before it asks leaves a killed writer behind; its own error is the one to see.
    this.written.catch(() => undefined);
  }

  /** From now on the files rotate. A generation that was rotated before an agent first saw its path is nobody's. */
  startRotating(): void {
    this.#child.kill("SIGUSR2");
  }

  stop(): Promise<Written> {
    this.#child.kill("SIGTERM");
    return this.written;
  }

  async #read(): Promise<Written> {
    let text = "";
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await once(this.#child, "close");
    this.hasEnded = true;
    const report: unknown = JSON.parse(text);
    if (!isObject(report) || !isObject(report["written"])) throw new Error(`no report of the writer: ${text}`);
    return Object.fromEntries(Object.entries(report["written"]).map(([file, count]) => [file, Number(count)]));
  }
}

export const datadogSink = (intake: DatadogIntake, options: Readonly<Record<string, unknown>> = {}) => ({
  type: "datadog",
  endpoint: intake.endpoint,
  apiKey: DATADOG_KEY,
  compression: "gzip",
  ...options,
});

export const splunkSink = (intake: SplunkIntake, options: Readonly<Record<string, unknown>> = {}) => ({
  type: "splunkHec",
  endpoint: intake.endpoint,
  token: SPLUNK_TOKEN,
  ...options,
});

/** Waits for `condition` and shows the agent's last words when it does not come true; fails at once when the agent ends. */
export function eventually(
  what: string,
  agent: AgentProcess,
  condition: () => boolean,
  timeoutMs = 60_000,
): Promise<true> {
  const probe = (): true | undefined => {
    if (condition()) return true;
    if (agent.exit !== undefined) throw new Error(`the agent ended before: ${what}\n${agent.tail()}`);
    return undefined;
  };
  return until(what, probe, { timeoutMs, detail: () => agent.tail() });
}
