import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type Address, formatAddress } from "../core/address.ts";
import { describeError } from "../core/errors.ts";

/** What is answered to a GET. */
export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** By path. Undefined where there is none. */
export type Pages = (path: string) => Promise<Page | undefined>;

/** Bounds for a client that is slow, or means no good. */
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8 * 1_024;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
/** A socket on which nothing moves, be it that nobody takes the answer. */
const IDLE_TIMEOUT_MS = 10_000;

/**
 * Answers GET and HEAD, and nothing else. It shares the process with the shipping, so everything about it is bounded: connections,
 * headers and times; and an answer is a string of bounded size, however slowly it is taken.
 */
export class PageServer {
  readonly #server: Server;

  /** Resolves once it listens. Rejects with the system's error if it can't. */
  static async listen(address: Address, pages: Pages): Promise<PageServer> {
    const server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: HEADERS_TIMEOUT_MS,
      },
      (request, response) => void answer(request, response, pages),
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.timeout = IDLE_TIMEOUT_MS;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ port: address.port, ...(address.host === "" ? {} : { host: address.host }) }, resolve);
    await promise;
    server.off("error", reject);
    // What goes wrong with it later (descriptors that are used up, for example) concerns a client, and not the shipping.
    server.on("error", () => undefined);
    server.unref();
    return new PageServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Where it listens: with the port that it got. */
  get address(): string {
    const address = this.#server.address();
    return typeof address === "object" && address !== null
      ? formatAddress({ host: address.address, port: address.port })
      : String(address);
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, pages: Pages): Promise<void> {
  const { method = "", url = "/", headers } = request;
  // A client that has gone is no matter of ours.
  response.on("error", () => undefined);
  const isRead = method === "GET" || method === "HEAD";
  const page = isRead ? await pageOf(url, pages) : METHOD_NOT_ALLOWED;
  const { status, contentType, body } = page;
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(isRead ? {} : { allow: "GET, HEAD" }),
    // The body of what is not read is not waited for.
    ...(isRead && headers["content-length"] === undefined && headers["transfer-encoding"] === undefined
      ? {}
      : { connection: "close" }),
  });
  response.end(method === "HEAD" ? undefined : body);
}

/** A bug in what tells of the shipping is told to whoever asked, and is no reason to stop the shipping. */
async function pageOf(url: string, pages: Pages): Promise<Page> {
  try {
    return (await pages(url.split("?", 1)[0] ?? "")) ?? NOT_FOUND;
  } catch (error) {
    return textPage(500, `a bug in tailcar, please report it: ${describeError(error)}\n`);
  }
}

const textPage = (status: number, body: string): Page => ({ status, contentType: "text/plain; charset=utf-8", body });

const METHOD_NOT_ALLOWED = textPage(405, "only GET and HEAD\n");
const NOT_FOUND = textPage(404, "no such page: /metrics, /livez, /readyz, /status\n");
