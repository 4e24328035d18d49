import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import zlib from "node:zlib";
import got, { type Got, type Response } from "got";
import type { Clock } from "../../core/clock.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type AgentResult, createAgent } from "./agent.ts";
import type { HttpOptions } from "./config.ts";
import { classifyFailure } from "./failure.ts";
import { createLookup } from "./lookup.ts";

const gzip = promisify(zlib.gzip);

/** The start of a response tells all there is to know; more of it is never kept, so a hostile one cannot fill the memory. */
const MAX_RESPONSE_BYTES = 65_536;

/** Output buffer of gzip: each time it is full costs a round trip to the thread pool. */
const GZIP_CHUNK_BYTES = 65_536;

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** At most the first 64 KiB. */
  readonly body: string;
}

/** A complete response, whatever its status; or what it means that there is none. */
export type HttpResult =
  { readonly kind: "reply"; readonly reply: HttpReply } | { readonly kind: "failed"; readonly outcome: Outcome };

export interface HttpClientSettings {
  readonly url: string;
  readonly options: HttpOptions;
  /** Read when the client is made and at each `refresh`, so that renewed secrets are used. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly clock: Clock;
}

/** Posts bodies to one URL: one attempt each, with deadlines, over kept connections. Never follows a redirect. */
export class HttpClient {
  readonly #settings: HttpClientSettings;
  readonly #lookup: ReturnType<typeof createLookup>;
  #connection: AgentResult;
  #got: Got;

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
    this.#lookup = createLookup(settings.clock);
    this.#connection = createAgent(settings.url, settings.options.tls, settings.options.concurrency.max);
    this.#got = this.#configure();
  }

  /** Never rejects. `signal` ends the attempt; what it returns then has no meaning. */
  async post(body: Buffer, signal: AbortSignal): Promise<HttpResult> {
    if (!this.#connection.ok) {
      return { kind: "failed", outcome: { kind: "blocked", reason: this.#connection.problem } };
    }
    try {
      return { kind: "reply", reply: await this.#exchange(await this.#compress(body), signal) };
    } catch (error) {
      return { kind: "failed", outcome: classifyFailure(error) };
    }
  }

  /** Reads certificates anew and takes the present headers. Files that cannot be read leave a working connection as it is. */
  refresh(): void {
    const { url, options } = this.#settings;
    if (options.tls !== undefined) {
      const next = createAgent(url, options.tls, options.concurrency.max);
      if (next.ok || !this.#connection.ok) {
        this.close();
        this.#connection = next;
      }
    }
    this.#got = this.#configure();
  }

  close(): void {
    if (!this.#connection.ok) return;
    this.#connection.agent.http?.destroy();
    this.#connection.agent.https?.destroy();
  }

  #compress(body: Buffer): Promise<Buffer> | Buffer {
    const { compression, compressionLevel: level } = this.#settings.options;
    return compression === "none" ? body : gzip(body, { level, chunkSize: GZIP_CHUNK_BYTES });
  }

  /** All options are set once, on an instance: those given with each request are cloned and checked each time. */
  #configure(): Got {
    const { options, headers, userAgent } = this.#settings;
    const { connect, response, total } = options.timeout;
    return got.extend({
      method: "POST",
      retry: { limit: 0 },
      throwHttpErrors: false,
      // The credentials are for the host that the user named.
      followRedirect: false,
      // No compression is asked for: a small reply needs none, and a bomb cannot go off.
      decompress: false,
      dnsLookup: this.#lookup,
      timeout: { lookup: connect, connect, secureConnect: connect, response, request: total },
      agent: this.#connection.ok ? this.#connection.agent : {},
      headers: {
        "user-agent": userAgent,
        accept: "application/json",
        ...(options.compression === "gzip" ? { "content-encoding": "gzip" } : {}),
        ...headers(),
      },
    });
  }

  /**
   * The stream API for two reasons: the response can be left after its first bytes, and `end(payload)` hands the body
   * to the socket in one piece. As option `body` got would cut it into chunks of 64 KiB with a turn of the event loop
   * between, at three times the processor time.
   */
  #exchange(payload: Buffer, signal: AbortSignal): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const request = this.#got.stream(this.#settings.url, {
        headers: { "content-length": String(payload.length) },
        signal,
      });
      const chunks: Buffer[] = [];
      let size = 0;
      let response: Response | undefined;
      const finish = (): void => {
        if (response === undefined) return;
        const body = Buffer.concat(chunks).toString("utf8", 0, MAX_RESPONSE_BYTES);
        resolve({ status: response.statusCode, headers: response.headers, body });
        // Leaves a connection alone that has done its work. One that has not is closed: the response may go on for ever,
        // and after an answer before the end of the upload (413, for one) the receiver may never read the rest.
        request.destroy();
      };
      request.on("response", (head: Response) => {
        response = head;
      });
      request.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= MAX_RESPONSE_BYTES) finish();
      });
      request.on("end", finish);
      request.on("error", reject);
      request.on("close", () => {
        if (response === undefined) reject(new Error("the connection was closed"));
      });
      request.end(payload);
    });
  }
}
