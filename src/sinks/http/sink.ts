import type { Outcome } from "../../core/outcome.ts";
import type { Secret } from "../../core/secret.ts";
import type { BatchLimits, Sink, SinkContext } from "../../core/sink.ts";
import { HttpClient, type HttpReply } from "./client.ts";
import type { HttpOptions } from "./config.ts";
import { refusalOf } from "./reply.ts";

export interface HttpSinkParts {
  readonly url: string;
  readonly options: HttpOptions;
  readonly limits: BatchLimits;
  readonly context: SinkContext;
  /** The credential. It is taken out of responses, lest a receiver that repeats the request brings it into our log. */
  readonly secret: Secret;
  readonly headers: () => Readonly<Record<string, string>>;
  readonly encode: Sink["encode"];
  readonly classify: (reply: HttpReply, nowMs: number) => Outcome;
}

/** A sink that posts its batches: what every one of them has in common. */
export function createHttpSink(parts: HttpSinkParts): Sink {
  const { url, options, limits, context, secret, headers, encode, classify } = parts;
  const { clock, version } = context;
  const client = new HttpClient({ url, options, headers, userAgent: `tailcar/${version}`, clock });

  return {
    limits,
    concurrency: options.concurrency,
    encode,
    async send(body, signal) {
      const result = await client.post(body, signal);
      if (result.kind === "failed") return result.outcome;
      const { reply } = result;
      const shown = { ...reply, body: reply.body.replaceAll(secret.reveal(), secret.toString()) };
      const outcome = classify(shown, clock.now());
      // What becomes a dead letter keeps the answer beside it.
      return outcome.kind === "rejected" || outcome.kind === "tooLarge" ? { ...outcome, ...refusalOf(shown) } : outcome;
    },
    async refresh() {
      secret.refresh();
      client.refresh();
    },
    async close() {
      client.close();
    },
  };
}
