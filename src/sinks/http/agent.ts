import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import tls from "node:tls";
import { describeError } from "../../core/errors.ts";
import type { TlsOptions } from "./config.ts";

/** Most load balancers close an idle connection after a minute; to close it first spares a request the reset. */
const IDLE_MS = 30_000;

export type AgentResult =
  | { readonly ok: true; readonly agent: { readonly http?: http.Agent; readonly https?: https.Agent } }
  | { readonly ok: false; readonly problem: string };

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

/**
 * The connection pool of one sink; opens no connection. The TLS files are read and parsed here, once, and not for each
 * connection. A file that cannot be read or understood is a value: it may be there at the next try.
 */
export function createAgent(url: string, options: TlsOptions | undefined, maxSockets: number): AgentResult {
  const pool = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: IDLE_MS };
  if (new URL(url).protocol === "http:") return { ok: true, agent: { http: new http.Agent(pool) } };
  try {
    const secureContext = tls.createSecureContext({
      ca: readAuthorities(options?.ca),
      cert: readPem("cert", options?.cert),
      key: readPem("key", options?.key),
      minVersion: options?.minVersion,
    });
    const agent = new https.Agent({
      ...pool,
      secureContext,
      rejectUnauthorized: options?.insecureSkipVerify !== true,
      ...(options?.serverName === undefined ? {} : { servername: options.serverName }),
    });
    return { ok: true, agent: { https: agent } };
  } catch (error) {
    return { ok: false, problem: `the TLS settings cannot be used: ${describeError(error)}` };
  }
}
