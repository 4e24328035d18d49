import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { describeError } from "../../core/errors.ts";
import type { TlsOptions } from "./config.ts";
import type { Target } from "./target.ts";

/** Most load balancers close an idle connection after a minute; to close it first spares a request the reset. */
const IDLE_MS = 30_000;

/** The variables that name proxies, as Node's own agents read them. */
export type ProxyEnv = Readonly<Record<string, string | undefined>>;

export interface AgentSettings {
  readonly target: Target;
  readonly tls: TlsOptions | undefined;
  readonly maxSockets: number;
  /** Deadline of a connection through a proxy, from the beginning of the first to the end of the handshake behind it. */
  readonly connectMs: number;
  readonly proxyEnv: ProxyEnv;
}

export type AgentResult =
  | { readonly ok: true; readonly agent: { readonly http?: http.Agent; readonly https?: https.Agent } }
  | { readonly ok: false; readonly problem: string };

/**
 * The connection pool of one sink; opens no connection. The TLS files are read and parsed here, once, and not for each
 * connection. A file or a proxy's URL that cannot be read or understood is a value: it may be right at the next try.
 */
export function createAgent({ target, tls: options, maxSockets, connectMs, proxyEnv }: AgentSettings): AgentResult {
  const pool = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: IDLE_MS, proxyEnv };
  if (target.socketPath !== undefined) {
    const direct: http.AgentOptions & { socketPath: string } = { ...pool, proxyEnv: {}, socketPath: target.socketPath };
    return { ok: true, agent: { http: new http.Agent(direct) } };
  }
  const secure = new URL(target.url).protocol === "https:" ? secureOptions(options) : undefined;
  if (secure?.ok === false) return secure;
  try {
    if (secure === undefined) return { ok: true, agent: { http: new http.Agent(pool) } };
    return { ok: true, agent: { https: new TunnelAgent(connectMs, { ...pool, ...secure.options }) } };
  } catch {
    // What Node says of it quotes the URL, which may hold a password.
    return { ok: false, problem: "the URL of the proxy cannot be read (in a password, % is written %25)" };
  }
}

type SecureOptions =
  { readonly ok: true; readonly options: https.AgentOptions } | { readonly ok: false; readonly problem: string };

function secureOptions(options: TlsOptions | undefined): SecureOptions {
  try {
    const secureContext = tls.createSecureContext({
      ca: readAuthorities(options?.ca),
      cert: readPem("cert", options?.cert),
      key: readPem("key", options?.key),
      minVersion: options?.minVersion,
    });
    const rejectUnauthorized = options?.insecureSkipVerify !== true;
    const name = options?.serverName === undefined ? {} : { servername: options.serverName };
    return { ok: true, options: { secureContext, rejectUnauthorized, ...name } };
  } catch (error) {
    return { ok: false, problem: `the TLS settings cannot be used: ${describeError(error)}` };
  }
}

/** Lets the requests under way come to their end, and closes the connections that wait for more. */
export function retire(agent: http.Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/** Identity and age of the files of `tls`: a different text means that one was changed or replaced. */
export async function stampOf({ ca, cert, key }: TlsOptions): Promise<string> {
  const stamps = [ca, cert, key].map(async (path) => {
    if (path === undefined) return "";
    const stats = await stat(path, { bigint: true }).catch(() => undefined);
    return stats === undefined ? "missing" : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
  });
  return (await Promise.all(stamps)).join();
}

/**
 * Node's agent waits without end for a TLS handshake behind a proxy, and a request that has no socket yet can't be ended.
 * So a connection through a proxy that takes too long is destroyed, which fails its request. got watches over all others.
 */
class TunnelAgent extends https.Agent {
  readonly #connectMs: number;

  constructor(connectMs: number, options: https.AgentOptions) {
    super(options);
    this.#connectMs = connectMs;
  }

  override createConnection(...[options, callback]: Parameters<https.Agent["createConnection"]>) {
    let timer: NodeJS.Timeout | undefined;
    const socket = super.createConnection(options, (error, stream) => {
      clearTimeout(timer);
      callback?.(error, stream);
    });
    // A TLS socket goes to the receiver itself; only a connection to a proxy begins without.
    if (socket instanceof net.Socket && !(socket instanceof tls.TLSSocket)) {
      timer = setTimeout(() => socket.destroy(new Error("the way through the proxy took too long")), this.#connectMs);
      socket.once("close", () => clearTimeout(timer));
    }
    return socket;
  }
}

function readPem(role: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`tls.${role}: ${describeError(error)}`, { cause: error });
  }
}

/** OpenSSL passes over what it cannot read among the authorities, and would leave a half-written file without any. */
function readAuthorities(path: string | undefined): Buffer | undefined {
  const pem = readPem("ca", path);
  if (pem === undefined) return undefined;
  const [, ...certificates] = pem.toString("latin1").split("-----BEGIN CERTIFICATE-----");
  if (certificates.length === 0) throw new Error("tls.ca: no certificate in the file");
  for (const certificate of certificates) void new X509Certificate(`-----BEGIN CERTIFICATE-----${certificate}`);
  return pem;
}
