import type { Clock } from "../core/clock.ts";
import { type ConfigStatus, describeStatus } from "./describe-status.ts";
import type { Metrics } from "./metrics.ts";
import type { Reading } from "./readings.ts";
import type { Page } from "./server.ts";
import type { AgentStatus } from "./status.ts";
import { Totals } from "./totals.ts";
import { Watchdog } from "./watchdog.ts";

export interface PagesOptions {
  readonly clock: Clock;
  readonly version: string;
  readonly metrics: Metrics;
  /** Of the agent that runs at the moment; undefined before the first. */
  readonly status: () => AgentStatus | undefined;
  readonly config: () => ConfigStatus;
  /** Lines of the agent's own log that nobody took. */
  readonly droppedLogLines: () => number;
}

/** However often somebody asks, a page is made at most so often: a scraper in a loop costs the shipping next to nothing. */
const FRESH_MS = 500;

/** The agent at the moment of a request. */
interface Moment {
  readonly status: AgentStatus | undefined;
  readonly elapsedMs: number;
  readonly nowMs: number;
  readonly notReady: readonly string[];
  readonly stalled: readonly string[];
}

type Make = (moment: Moment) => Page | Promise<Page>;

/** What the server answers. Nothing of it holds log content, settings or secrets. */
export class Pages {
  readonly #options: PagesOptions;
  readonly #totals = new Totals();
  readonly #watchdog = new Watchdog();
  readonly #latest = new Map<Make, { readonly madeMs: number; readonly page: Promise<Page> }>();
  /** Seconds since the Unix epoch. */
  readonly #startedAt: number;
  readonly #byPath: Readonly<Record<string, Make>>;

  constructor(options: PagesOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now() / 1_000 - process.uptime();
    this.#byPath = {
      "/metrics": (moment) => this.#render(moment),
      "/livez": livez,
      "/healthz": livez,
      "/readyz": readyz,
      "/status": (moment) => json(describeStatus({ ...moment, version: options.version, config: options.config() })),
    };
  }

  /** An agent begins. What it has delivered counts from here on, even if nobody asks before the next one begins. */
  begin(status: AgentStatus): void {
    this.#totals.of(status);
  }

  /** Undefined where there is none. */
  async get(path: string): Promise<Page | undefined> {
    const make = Object.hasOwn(this.#byPath, path) ? this.#byPath[path] : undefined;
    if (make === undefined) return undefined;
    const nowMs = this.#options.clock.elapsed();
    const latest = this.#latest.get(make);
    if (latest !== undefined && nowMs - latest.madeMs < FRESH_MS) return latest.page;
    const page = Promise.resolve(make(this.#moment()));
    this.#latest.set(make, { madeMs: nowMs, page });
    return page;
  }

  #moment(): Moment {
    const { clock, config, status: ask } = this.#options;
    const status = ask();
    const elapsedMs = clock.elapsed();
    return {
      status,
      elapsedMs,
      nowMs: clock.now(),
      notReady: whyNotReady(status, config()),
      stalled: status === undefined ? [] : this.#watchdog.look(status, elapsedMs),
    };
  }

  async #render({ status, elapsedMs, nowMs }: Moment): Promise<Page> {
    const { config, droppedLogLines, metrics } = this.#options;
    const { user, system } = process.cpuUsage();
    const reading: Reading = {
      status,
      totals: status === undefined ? new Map() : this.#totals.of(status),
      elapsedMs,
      nowMs,
      droppedLogLines: droppedLogLines(),
      isConfigInvalid: config().problems.length > 0,
      process: {
        residentBytes: process.memoryUsage.rss(),
        cpuSeconds: (user + system) / 1e6,
        startedAt: this.#startedAt,
      },
    };
    const { contentType, text } = await metrics.render(reading);
    return { status: 200, contentType, body: text };
  }
}

/** Ready is who ships and remembers what was shipped. */
function whyNotReady(status: AgentStatus | undefined, { problems }: ConfigStatus): readonly string[] {
  if (status === undefined)
    return problems.length === 0 ? ["starting"] : [`the configuration is invalid: ${problems.join("; ")}`];
  const { failure } = status.checkpoints;
  return [
    ...(status.state === "running" ? [] : [status.state]),
    ...(failure === undefined ? [] : [`checkpoints are not durable: ${failure}`]),
  ];
}

const livez: Make = ({ stalled }) => json({ live: stalled.length === 0, stalled }, stalled.length === 0);

const readyz: Make = ({ notReady }) => json({ ready: notReady.length === 0, reasons: notReady }, notReady.length === 0);

const json = (value: unknown, isWell = true): Page => ({
  status: isWell ? 200 : 503,
  contentType: "application/json; charset=utf-8",
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});
