import { parseAddress } from "../core/address.ts";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { AgentEvent, Emit } from "../core/events.ts";
import type { Attempt, Meter, ReadPiece } from "../core/meter.ts";
import type { ConfigStatus } from "./describe-status.ts";
import type { Metrics } from "./metrics.ts";
import type { Pages } from "./pages.ts";
import type { PageServer } from "./server.ts";
import type { AgentStatus } from "./status.ts";

export interface TelemetryOptions {
  readonly clock: Clock;
  readonly version: string;
  /** The configuration file, if there is one. */
  readonly file: string | undefined;
  readonly emit: Emit;
  /** Lines of the agent's own log that nobody took. */
  readonly droppedLogLines: () => number;
}

/** A port that is in use may become free. */
const RETRY_MS = 10_000;

/**
 * What the process tells of itself over HTTP. It outlives its agents, which come and go with the configuration. Until it is told
 * to listen it has neither server nor metrics, and does not load their code.
 */
export class Telemetry implements Meter {
  readonly #options: TelemetryOptions;
  #status: () => AgentStatus | undefined = () => undefined;
  #config: ConfigStatus;
  #metrics: Metrics | undefined;
  #pages: Pages | undefined;
  #server: PageServer | undefined;
  #listen: string | undefined;
  /** Aborted when it is no longer wanted to listen where it tries to. */
  #stop = new AbortController();
  #retrying = Promise.resolve();

  constructor(options: TelemetryOptions) {
    this.#options = options;
    this.#config = { file: options.file, problems: [], at: undefined };
  }

  /** Whom to ask from now on. */
  watch(status: () => AgentStatus): void {
    this.#status = status;
    this.#pages?.begin(status());
  }

  /** Listens there from now on, if anywhere. Resolves after the first attempt; what keeps it from that is told, and tried again. */
  async listen(listen: string | undefined): Promise<void> {
    if (listen === this.#listen) return;
    await this.close();
    this.#listen = listen;
    if (listen === undefined) return;
    const pages = await this.#load();
    this.#stop = new AbortController();
    const failure = await this.#attempt(listen, pages);
    if (failure === undefined) return;
    this.#options.emit({ kind: "server.failed", address: listen, reason: failure });
    this.#retrying = this.#retry(listen, pages, this.#stop.signal);
  }

  async close(): Promise<void> {
    this.#listen = undefined;
    this.#stop.abort();
    await this.#retrying;
    await this.#server?.close();
    this.#server = undefined;
  }

  /** To be told of every event of the process. */
  observe(event: AgentEvent): void {
    this.#metrics?.event(event);
    const at = this.#options.clock.now();
    if (event.kind === "config.invalid") this.#config = { ...this.#config, problems: event.problems, at };
    else if (event.kind === "config.reloaded" || event.kind === "config.unchanged")
      this.#config = { ...this.#config, problems: [], at };
  }

  attempted(attempt: Attempt): void {
    this.#metrics?.attempted(attempt);
  }

  read(piece: ReadPiece): void {
    this.#metrics?.read(piece);
  }

  split(sink: string): void {
    this.#metrics?.split(sink);
  }

  /** The metrics stay, whatever becomes of the server: counters do not begin anew. */
  async #load(): Promise<Pages> {
    if (this.#pages !== undefined) return this.#pages;
    const [{ Metrics }, { Pages }] = await Promise.all([import("./metrics.ts"), import("./pages.ts")]);
    const { clock, droppedLogLines, version } = this.#options;
    this.#metrics = await Metrics.create(version);
    const sources = { status: () => this.#status(), config: () => this.#config };
    this.#pages = new Pages({ clock, droppedLogLines, version, metrics: this.#metrics, ...sources });
    return this.#pages;
  }

  /** Why it failed; undefined if it listens. */
  async #attempt(listen: string, pages: Pages): Promise<string | undefined> {
    const address = parseAddress(listen);
    if (address === undefined) throw new Error(`no address: ${listen}`);
    const { PageServer } = await import("./server.ts");
    try {
      this.#server = await PageServer.listen(address, (path) => pages.get(path));
    } catch (error) {
      return describeError(error);
    }
    this.#options.emit({ kind: "server.listening", address: this.#server.address });
    return undefined;
  }

  async #retry(listen: string, pages: Pages, stop: AbortSignal): Promise<void> {
    for (let failed = true; failed;) {
      await this.#options.clock.sleep(RETRY_MS, stop);
      if (stop.aborted) return;
      failed = (await this.#attempt(listen, pages)) !== undefined;
    }
  }
}
