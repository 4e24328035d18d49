import type { Outcome } from "../../core/outcome.ts";
import type { Secret } from "../../core/secret.ts";
import type { BatchLimits, Sink, SinkContext } from "../../core/sink.ts";
import { HttpClient, type HttpReply } from "./client.ts";
import type { HttpOptions } from "./config.ts";
import { refusalOf } from "./reply.ts";

export interface HttpSinkParts {
  /** As `readEndpoint` gives it. */
  readonly endpoint: string;
  readonly options: HttpOptions;
  readonly limits: BatchLimits;
  readonly context: SinkContext;
  /** The credential. */
  readonly secret: Secret;
  readonly headers: () => Readonly<Record<string, string>>;
  readonly encode: Sink["encode"];
  readonly classify: (reply: HttpReply, nowMs: number) => Outcome;
}

const INSECURE =
  "tls.insecureSkipVerify is on: any server's certificate is taken, and whoever is in between can read the logs and the credentials";

/** A sink that posts its batches: what every one of them has in common. */
export function createHttpSink(parts: HttpSinkParts): Sink {
  const { endpoint, options, limits, context, secret, headers, encode, classify } = parts;
  const { clock, version } = context;
  const client = new HttpClient({
    endpoint,
    options,
    headers,
    userAgent: `tailcar/${version}`,
    clock,
    proxyEnv: context.env ?? {},
  });
  const secrets = [secret, ...Object.values(options.headers), ...(options.proxy === undefined ? [] : [options.proxy])];

  return {
    warnings: options.tls?.insecureSkipVerify === true ? [INSECURE] : [],
    limits,
    concurrency: options.concurrency,
    encode,
    async send(body, signal) {
      const result = await client.post(await client.compress(body), signal);
      if (result.kind === "failed") return conceal(result.outcome, secrets);
      const outcome = classify(result.reply, clock.now());
      // What becomes a dead letter keeps the answer beside it.
      const isRefused = outcome.kind === "rejected" || outcome.kind === "tooLarge";
      return conceal(isRefused ? { ...outcome, ...refusalOf(result.reply) } : outcome, secrets);
    },
    async refresh() {
      for (const one of secrets) one.refresh();
      client.refresh();
    },
    async close() {
      client.close();
    },
  };
}

/** A shorter value of a header is no secret, and would turn any text into masks. */
const SHORTEST_SECRET = 4;

/** An outcome without secrets: a receiver that repeats the request must not bring them into our log or dead letters. */
export function conceal(outcome: Outcome, secrets: readonly Secret[]): Outcome {
  if (outcome.kind === "delivered") return outcome;
  const values = secrets.map((secret) => secret.reveal().trim()).filter(({ length }) => length >= SHORTEST_SECRET);
  const mask = (text: string): string => values.reduce((masked, value) => masked.replaceAll(value, "[secret]"), text);
  const shown = { ...outcome, reason: mask(outcome.reason) };
  return "response" in shown && shown.response !== undefined ? { ...shown, response: mask(shown.response) } : shown;
}
