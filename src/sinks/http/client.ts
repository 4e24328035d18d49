import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import zlib from "node:zlib";
import got, { type Got, type Response } from "got";
import type { Outcome } from "../../core/outcome.ts";
import { Connection, type ConnectionSettings } from "./connection.ts";
import { classifyFailure } from "./failure.ts";
import { createLookup, type Lookup } from "./lookup.ts";
import { nodeRequest } from "./request.ts";
import { targetOf } from "./target.ts";

const gunzip = promisify(zlib.gunzip);
const gzip = promisify(zlib.gzip);

/** The start of a response tells all there is to know; more of it is never kept, so a hostile one cannot fill the memory. */
const MAX_RESPONSE_BYTES = 65_536;

/**
 * Output buffer of gzip, at most: each time it is full costs a round trip to the thread pool. It is made anew for each body,
 * and large ones would pile up before they are collected; logs shrink to less than a quarter.
 */
const GZIP_CHUNK_BYTES = 65_536;
const LEAST_GZIP_CHUNK_BYTES = 1_024;
const gzipChunkBytes = (bodyBytes: number): number =>
  Math.min(GZIP_CHUNK_BYTES, Math.max(LEAST_GZIP_CHUNK_BYTES, bodyBytes >> 2));

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** At most the first 64 KiB. */
  readonly body: string;
}

/** A complete response, whatever its status; or what it means that there is none. */
export type HttpResult =
  { readonly kind: "reply"; readonly reply: HttpReply } | { readonly kind: "failed"; readonly outcome: Outcome };

/** The bytes that go over the wire. */
export interface Payload {
  readonly bytes: Buffer;
  readonly isGzip: boolean;
}

export interface HttpClientSettings extends ConnectionSettings {
  /** Read when the client is made and at each `refresh`, so that renewed secrets are used. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly userAgent: string;
}

/** Posts bodies to one endpoint: one attempt each, with deadlines, over kept connections. Never follows a redirect. */
export class HttpClient {
  readonly #settings: HttpClientSettings;
  readonly #url: string;
  readonly #lookup: Lookup;
  readonly #connection: Connection;
  #got: Got;
  /** The receiver has refused gzip and taken the plain body. */
  #refusesGzip = false;

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
    this.#url = targetOf(settings.endpoint).url;
    this.#lookup = createLookup(settings.clock);
    this.#connection = new Connection(settings);
    this.#got = this.#configure();
  }

  /** Compresses a body, if that is wanted and the receiver takes it. Without compression the bytes are the body's own. */
  async compress(body: Buffer): Promise<Payload> {
    const { compression, compressionLevel: level } = this.#settings.options;
    if (compression === "none" || this.#refusesGzip) return { bytes: body, isGzip: false };
    return { bytes: await gzip(body, { level, chunkSize: gzipChunkBytes(body.length) }), isGzip: true };
  }

  /** Never rejects. `signal` ends the attempt; what it returns then has no meaning. `headers` are for this request alone. */
  async post(
    payload: Payload,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpResult> {
    try {
      if (await this.#connection.renew()) this.#got = this.#configure();
      const { current } = this.#connection;
      if (!current.ok) return { kind: "failed", outcome: { kind: "blocked", reason: current.problem } };
      const reply = await this.#exchange(payload, signal, headers);
      return {
        kind: "reply",
        reply: reply.status === 415 ? await this.#repost(payload, reply, signal, headers) : reply,
      };
    } catch (error) {
      this.#lookup.forget();
      return { kind: "failed", outcome: classifyFailure(error) };
    }
  }

  /** Reads certificates anew and takes the present headers. Files that cannot be read leave a working connection as it is. */
  refresh(): void {
    this.#connection.refresh();
    this.#refusesGzip = false;
    this.#got = this.#configure();
  }

  close(): void {
    this.#connection.close();
  }

  /** A receiver that does not know gzip gets the body without it, at once and from now on. */
  async #repost(
    payload: Payload,
    refusal: HttpReply,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpReply> {
    if (!payload.isGzip) return refusal;
    const plain = { bytes: await gunzip(payload.bytes), isGzip: false };
    const reply = await this.#exchange(plain, signal, headers);
    if (reply.status !== 415) this.#refusesGzip = true;
    return reply;
  }

  /** All options are set once, on an instance: those given with each request are cloned and checked each time. */
  #configure(): Got {
    const { options, headers, userAgent } = this.#settings;
    const { current } = this.#connection;
    const { connect, response, total } = options.timeout;
    return got.extend({
      method: "POST",
      request: nodeRequest,
      retry: { limit: 0 },
      throwHttpErrors: false,
      // The credentials are for the host that the user named.
      followRedirect: false,
      // No compression is asked for: a small reply needs none, and a bomb cannot go off.
      decompress: false,
      dnsLookup: this.#lookup.lookup,
      timeout: { lookup: connect, connect, secureConnect: connect, response, read: response, request: total },
      agent: current.ok ? current.agent : {},
      headers: {
        "user-agent": userAgent,
        accept: "application/json",
        ...Object.fromEntries(
          Object.entries(options.headers).map(([name, value]) => [name.toLowerCase(), value.reveal()]),
        ),
        ...headers(),
      },
    });
  }

  /**
   * The stream API for two reasons: the response can be left after its first bytes, and `end(payload)` hands the body
   * to the socket in one piece. As option `body` got would cut it into chunks of 64 KiB with a turn of the event loop
   * between, at three times the processor time.
   */
  #exchange(
    { bytes, isGzip }: Payload,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const encoding = isGzip ? { "content-encoding": "gzip" } : {};
      const request = this.#got.stream(this.#url, {
        headers: { "content-length": String(bytes.length), ...encoding, ...headers },
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
      request.end(bytes);
    });
  }
}
