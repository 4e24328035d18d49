import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import type { Clock } from "../../src/core/clock.ts";
import { unreachable } from "../../src/core/errors.ts";
import { concatenatedValues } from "../support/json-stream.ts";
import type { Oracle } from "./oracle.ts";
import type { Item, Receiver, Verdict } from "./receiver.ts";

const splitMark = z.enum(["first", "middle", "last"]).optional();

const datadogItems = z.array(
  z.object({ message: z.string(), tailcar: z.object({ split: splitMark }).optional() }).loose(),
);

const splunkEvent = z
  .object({
    event: z.string(),
    source: z.string(),
    fields: z.object({ "tailcar.split": splitMark }).loose().optional(),
  })
  .loose();

/**
 * The receivers as vendors over real HTTP: Splunk where a refusal names the guilty record, else Datadog. Only the run that
 * is let in is served, so that what a killed agent left in the sockets is nothing that anybody got.
 */
export class HttpReceivers {
  readonly #receivers: readonly Receiver[];
  readonly #clock: Clock;
  readonly #server: Server;
  #run: AbortController | undefined;
  #runs = 0;
  /** Which configuration each receiver was sent to with last. */
  readonly #versions = new Map<string, string | undefined>();

  constructor(receivers: readonly Receiver[], oracle: Oracle, clock: Clock) {
    this.#receivers = receivers;
    this.#clock = clock;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // A connection that its killed owner left in the middle of a request.
        if (!request.destroyed) oracle.fault(`a receiver can't read a request: ${String(error)}`);
        response.destroy();
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Lets the next agent in. */
  startRun(): void {
    this.#runs += 1;
    this.#run = new AbortController();
    for (const receiver of this.#receivers) receiver.startRun();
  }

  /** From now on nobody is served. */
  endRun(): void {
    this.#run?.abort();
    this.#run = undefined;
  }

  /** The sinks of a configuration of the run. Of each they have another URL, so that it shows when they change. */
  sinks(version: number): Readonly<Record<string, unknown>> {
    const { port } = z.custom<AddressInfo>().parse(this.#server.address());
    return Object.fromEntries(
      this.#receivers.map(({ settings: { name, maxRecords, concurrency, namesGuilty } }) => {
        const endpoint = `http://127.0.0.1:${port}/${this.#runs}/${version}/${name}`;
        const common = {
          endpoint,
          batch: { maxRecords, maxAge: "50ms" },
          concurrency: { min: 1, max: concurrency },
          proxy: "none",
        };
        const type = namesGuilty ? { type: "splunkHec", token: "t" } : { type: "datadog", apiKey: "k" };
        return [name, { ...type, ...common }];
      }),
    );
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(z.instanceof(Buffer).parse(chunk));
    const [, run, version, name] = (request.url ?? "").split("/");
    const receiver = this.#receivers.find(({ settings }) => settings.name === name);
    const signal = this.#run?.signal;
    if (receiver === undefined || name === undefined || signal === undefined || run !== `${this.#runs}`)
      return void response.destroy();
    if (this.#versions.get(name) !== version) receiver.startRun();
    this.#versions.set(name, version);
    const raw = Buffer.concat(chunks);
    const body = (request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw).toString("utf8");
    const { namesGuilty } = receiver.settings;
    const verdict = await receiver.take(namesGuilty ? splunkItems(body) : itemsOfDatadog(body), this.#clock, signal);
    if (signal.aborted) return void response.destroy();
    this.#answer(verdict, namesGuilty, response);
  }

  #answer(verdict: Verdict, isSplunk: boolean, response: ServerResponse): void {
    const answer = answerOf(verdict, isSplunk ? SPLUNK : DATADOG);
    if (answer === "reset") return void response.destroy();
    response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
    response.end(JSON.stringify(answer.body));
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a vendor says it. */
interface Dialect {
  readonly success: Answer;
  readonly refusal: (firstBad: number | undefined) => unknown;
}

const DATADOG: Dialect = { success: { status: 202, body: {} }, refusal: () => ({ errors: [] }) };

const SPLUNK: Dialect = {
  success: { status: 200, body: { text: "Success", code: 0 } },
  refusal: (firstBad) => ({ text: "Invalid data format", code: 6, "invalid-event-number": firstBad }),
};

/** A connection may break instead. */
function answerOf(verdict: Verdict, { success, refusal }: Dialect): Answer | "reset" {
  switch (verdict.kind) {
    case "delivered":
      return success;
    case "retry":
      return answerOfRetry(verdict);
    case "blocked":
      return { status: 401, body: { code: 3 } };
    case "tooLarge":
      return { status: 413, body: {} };
    case "rejected":
      return { status: 400, body: refusal(verdict.firstBad) };
    default:
      return unreachable(verdict);
  }
}

function answerOfRetry({ reason, afterMs }: Extract<Verdict, { kind: "retry" }>): Answer | "reset" {
  if (afterMs !== undefined)
    return { status: 429, body: { code: 26 }, headers: { "retry-after": `${afterMs / 1_000}` } };
  return reason === "503" ? { status: 503, body: { code: 9 } } : "reset";
}

const keyOf = (name: string, split: string | undefined, body: string): string => `${name} ${split} ${body}`;

const itemsOfDatadog = (body: string): readonly Item[] =>
  datadogItems.parse(JSON.parse(body)).map(({ message, tailcar }) => ({
    key: keyOf("", tailcar?.split, message),
    name: undefined,
    offset: undefined,
    body: message,
    split: tailcar?.split,
  }));

const splunkItems = (body: string): readonly Item[] =>
  [...concatenatedValues(body)].map((text) => {
    const { event, source, fields } = splunkEvent.parse(JSON.parse(text));
    const split = fields?.["tailcar.split"];
    return { key: keyOf(source, split, event), name: basename(source), offset: undefined, body: event, split };
  });
