import type { Outcome } from "../../core/outcome.ts";
import type { Secret } from "../../core/secret.ts";
import type { BatchLimits, Sink, SinkContext } from "../../core/sink.ts";
import { HttpClient, type HttpReply, type Payload } from "./client.ts";
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
  /** Further members of the sink. */
  readonly more?: Pick<Sink, "isLate" | "bodyLastsMs">;
  readonly classify: (reply: HttpReply, nowMs: number) => Outcome;
}

const INSECURE =
  "tls.insecureSkipVerify is on: any server's certificate is taken, and whoever is in between can read the logs and the credentials";

/** One attempt of a sink over HTTP, classified. */
export class HttpSender {
  readonly #parts: Omit<HttpSinkParts, "encode" | "limits">;
  readonly #client: HttpClient;
  readonly #secrets: readonly Secret[];

  constructor(parts: Omit<HttpSinkParts, "encode" | "limits">) {
    const { context, endpoint, headers, options, secret } = parts;
    this.#parts = parts;
    this.#client = new HttpClient({
      endpoint,
      options,
      headers,
      userAgent: `tailcar/${context.version}`,
      clock: context.clock,
      proxyEnv: context.env ?? {},
    });
    const proxy = options.proxy === undefined ? [] : [options.proxy];
    this.#secrets = [secret, ...Object.values(options.headers), ...proxy];
  }

  compress(body: Buffer): Promise<Payload> {
    return this.#client.compress(body);
  }

  /** `reply` is missing if there was none. `headers` are for this request alone. */
  async send(
    payload: Payload,
    signal: AbortSignal,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ readonly outcome: Outcome; readonly reply?: HttpReply }> {
    const result = await this.#client.post(payload, signal, headers);
    if (result.kind === "failed") return { outcome: conceal(result.outcome, this.#secrets) };
    const { reply } = result;
    const outcome = this.#parts.classify(reply, this.#parts.context.clock.now());
    // What becomes a dead letter keeps the answer beside it.
    const isRefused = outcome.kind === "rejected" || outcome.kind === "tooLarge";
    return { outcome: conceal(isRefused ? { ...outcome, ...refusalOf(reply) } : outcome, this.#secrets), reply };
  }

  /** Reads secrets and certificates anew. */
  refresh(): void {
    for (const secret of this.#secrets) secret.refresh();
    this.#client.refresh();
  }

  close(): void {
    this.#client.close();
  }
}

/** A sink that posts its batches: what every one of them has in common. */
export function createHttpSink(parts: HttpSinkParts): Sink {
  const { options, limits, encode, more } = parts;
  const sender = new HttpSender(parts);
  return {
    warnings: warningsOf(options),
    limits,
    concurrency: options.concurrency,
    encode,
    ...more,
    send: async (body, signal) => (await sender.send(await sender.compress(body), signal)).outcome,
    async refresh() {
      sender.refresh();
    },
    async close() {
      sender.close();
    },
  };
}

export const warningsOf = ({ tls }: HttpOptions): readonly string[] =>
  tls?.insecureSkipVerify === true ? [INSECURE] : [];

/** A shorter value of a header is no secret, and would turn any text into masks. */
const SHORTEST_SECRET = 4;

/** An outcome without secrets: a receiver that repeats the request must not bring them into our log or dead letters. */
function conceal(outcome: Outcome, secrets: readonly Secret[]): Outcome {
  if (outcome.kind === "delivered" || outcome.kind === "received") return outcome;
  const values = secrets.map((secret) => secret.reveal().trim()).filter(({ length }) => length >= SHORTEST_SECRET);
  const mask = (text: string): string => values.reduce((masked, value) => masked.replaceAll(value, "[secret]"), text);
  const shown = { ...outcome, reason: mask(outcome.reason) };
  return "response" in shown && shown.response !== undefined ? { ...shown, response: mask(shown.response) } : shown;
}
