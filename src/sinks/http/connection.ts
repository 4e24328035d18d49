import type { Clock } from "../../core/clock.ts";
import { type AgentResult, createAgent, type ProxyEnv, retire, stampOf } from "./agent.ts";
import type { HttpOptions } from "./config.ts";
import { targetOf } from "./target.ts";

/** TLS files are looked at this often while the sink works. */
const TLS_LOOK_MS = 5_000;

export interface ConnectionSettings {
  /** As `readEndpoint` gives it. */
  readonly endpoint: string;
  readonly options: HttpOptions;
  /** The variables that name proxies. An option `proxy` wins. */
  readonly proxyEnv: ProxyEnv;
  readonly clock: Clock;
}

/** The pool that a sink's requests go through, replaced when the certificates or the proxy are others. */
export class Connection {
  readonly #settings: ConnectionSettings;
  #current: AgentResult;
  /** What the TLS files were when they were last looked at, and when to look again. */
  #stamp: string | undefined;
  #nextLookMs = 0;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#current = this.#connect();
  }

  get current(): AgentResult {
    return this.#current;
  }

  /** Takes up renewed TLS files while all goes well; requests under way end on the connections they have. True if it did. */
  async renew(): Promise<boolean> {
    const { clock, options } = this.#settings;
    if (options.tls === undefined || clock.elapsed() < this.#nextLookMs) return false;
    this.#nextLookMs = clock.elapsed() + TLS_LOOK_MS;
    const before = this.#stamp;
    this.#stamp = await stampOf(options.tls);
    if (before === undefined || before === this.#stamp) return false;
    const next = this.#connect();
    // Half-written files are looked at again: they change once more.
    if (!next.ok) return false;
    if (this.#current.ok && this.#current.agent.https !== undefined) retire(this.#current.agent.https);
    this.#current = next;
    return true;
  }

  /** Reads everything anew. Files that can't be read leave a working pool as it is. */
  refresh(): void {
    const next = this.#connect();
    if (!next.ok && this.#current.ok) return;
    this.close();
    this.#current = next;
  }

  close(): void {
    if (!this.#current.ok) return;
    this.#current.agent.http?.destroy();
    this.#current.agent.https?.destroy();
  }

  #connect(): AgentResult {
    const { endpoint, options, proxyEnv } = this.#settings;
    const { concurrency, proxy, timeout, tls } = options;
    const own = proxy?.reveal().trim();
    const ownEnv = own === "none" ? {} : { HTTP_PROXY: own, HTTPS_PROXY: own };
    const target = targetOf(endpoint);
    const theirs = isLoopback(new URL(target.url).hostname) ? {} : proxyEnv;
    return createAgent({
      target,
      tls,
      maxSockets: concurrency.max,
      connectMs: timeout.connect,
      proxyEnv: own === undefined ? theirs : ownEnv,
    });
  }
}

/** No proxy of the environment leads back to this machine: programs in Go have it so, and pods are set up by that. */
const isLoopback = (hostname: string): boolean => /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
