import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { stringify } from "yaml";
import { isObject } from "./json-stream.ts";
import { within } from "./poll.ts";

export const PROJECT = resolve(import.meta.dirname, "../..");
export const NODE = join(PROJECT, "node_modules/.bin/node");
const CLI = join(PROJECT, "src/cli.ts");

export interface AgentOptions {
  /** Holds the captured output; made when it does not exist. */
  readonly dir: string;
  /** Arguments after the program. */
  readonly args: readonly string[];
  /** The program: the project's sources by default. */
  readonly cli?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the rest of its arguments, Node and what follows, in its own process. */
  readonly wrapper?: readonly string[];
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Gets standard output as it comes; without it the output goes to a file. */
  readonly onStdout?: (chunk: Buffer) => void;
  /** Whether standard input is a pipe that the test writes to; without it there is none. */
  readonly pipeStdin?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of the agent's own log. */
export interface LogEntry {
  readonly level: string;
  readonly message: string;
  /** The line as it stands. */
  readonly line: string;
}

let runs = 0;

/** The agent as a real child process, as a user starts it from a checkout. */
export class AgentProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly stdoutPath: string;
  readonly stderrPath: string;
  exit: Exit | undefined;
  readonly #child: ChildProcess;

  constructor({ dir, args, env = {}, wrapper = [], nodeFlags = [], onStdout, pipeStdin = false }: AgentOptions) {
    mkdirSync(dir, { recursive: true });
    runs += 1;
    this.stdoutPath = join(dir, `agent-${runs}.stdout`);
    this.stderrPath = join(dir, `agent-${runs}.stderr`);
    const out = onStdout === undefined ? openSync(this.stdoutPath, "w") : "pipe";
    const err = openSync(this.stderrPath, "w");
    const [command, ...rest] = [...wrapper, NODE, ...nodeFlags, CLI, ...args];
    this.#child = spawn(command ?? NODE, rest, {
      cwd: PROJECT,
      env: { ...cleanEnvironment(), ...env },
      stdio: [pipeStdin ? "pipe" : "ignore", out, err],
    });
    closeSync(err);
    if (typeof out === "number") closeSync(out);
    if (onStdout !== undefined) this.#child.stdout?.on("data", onStdout);
    if (this.#child.pid === undefined) throw new Error(`could not start ${NODE}`);
    this.pid = this.#child.pid;
    this.exited = new Promise((resolve) => {
      // `close`, not `exit`: only then has the last of a piped standard output been read.
      this.#child.once("close", (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
  }

  get stdin(): Writable {
    if (this.#child.stdin === null) throw new Error("started without a pipe to standard input");
    return this.#child.stdin;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill9(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.waitExit(60_000);
  }

  /** SIGTERM, and how it ended: with the milliseconds it took. */
  async terminate(timeoutMs = 60_000): Promise<Exit & { readonly tookMs: number }> {
    const from = performance.now();
    this.#child.kill("SIGTERM");
    const exit = await this.waitExit(timeoutMs);
    return { ...exit, tookMs: performance.now() - from };
  }

  async waitExit(timeoutMs: number): Promise<Exit> {
    try {
      return await within(`end of the agent ${this.pid}`, timeoutMs, this.exited);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.tail()}`, { cause: error });
    }
  }

  get stdout(): string {
    return readFileSync(this.stdoutPath, "utf8");
  }

  get stderr(): string {
    return existsSync(this.stderrPath) ? readFileSync(this.stderrPath, "utf8") : "";
  }

  /** The agent's own log so far. Lines that are not JSON, such as the final report, are left out. */
  log(): LogEntry[] {
    return this.stderr.split("\n").flatMap((line) => {
      const entry = parsed(line);
      if (entry === undefined) return [];
      return [{ level: String(entry["level"]), message: String(entry["message"]), line }];
    });
  }

  /** The end of standard error: what to show beside a failure. */
  tail(): string {
    return `--- last of standard error, pid ${this.pid}, ${JSON.stringify(this.exit ?? "running")}\n${this.stderr.slice(-4_000)}`;
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch (error) {
    // The last line may be half written while the agent runs; only that is expected here.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The variables of this process without those that configure the agent. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(DD_|SPLUNK_|TAILCAR_|NODE_OPTIONS$|VITEST|TEST$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** Writes `config` as YAML to `path`. */
export function writeConfig(path: string, config: unknown): void {
  writeFileSync(path, stringify(config));
}
