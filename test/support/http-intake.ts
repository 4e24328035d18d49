import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { gunzipSync, inflateSync } from "node:zlib";

/** A request whose body has arrived whole. */
export interface IntakeRequest {
  /** Counts from 1 in order of arrival. */
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** As it came over the wire. */
  readonly body: Buffer;
}

/** What the intake itself says to a request. */
export interface Verdict {
  readonly status: number;
  readonly body: unknown;
  /** Stores what the intake takes of the body: all of it, none, or what stands before a fault. */
  index(): void;
}

/** A deviation from the intake's own answer. Fields that are not set leave it as it is. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Keeps the answer back until this resolves. */
  readonly hold?: Promise<unknown>;
  readonly delayMs?: number;
  /** `hang`: no answer, ever. `hangInBody`: status and half of the body, then silence. `reset`: TCP RST instead of an answer. */
  readonly instead?: "hang" | "hangInBody" | "reset";
  /** Whether the items are stored, before the answer. By default they are unless the fault hides the intake's answer. */
  readonly indexed?: boolean;
  /** Called in the moment the answer has been handed to the kernel. */
  readonly answered?: () => void;
}

export type Respond = (request: IntakeRequest) => Fault | undefined;

/** Faults for the first requests, in order; afterwards the intake is healthy. */
export function script(...faults: readonly Fault[]): Respond {
  let next = 0;
  return () => faults[next++];
}

const MAX_VIOLATIONS = 100;
const MAX_DECODED_BYTES = 64 * 1_024 * 1_024;

/** Real HTTP on an ephemeral loopback port, with programmable faults. The protocol is the subclass's. */
export abstract class HttpIntake {
  /** Asked for each request after its body has arrived. */
  respond: Respond = () => undefined;
  /** What no client of the real intake may do: each test asserts that this stays empty. Bounded. */
  readonly violations: string[] = [];
  /** Requests whose body arrived whole. */
  requests = 0;
  /** Requests that have arrived and are not answered yet. */
  readonly unanswered = new Set<number>();
  readonly statuses = new Map<number, number>();
  connections = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!response.destroyed) this.violation(`request failed: ${String(error)}`);
        response.destroy();
      });
    });
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on("connection", () => {
      this.connections += 1;
    });
  }

  /** Judges a whole request as the real intake does. */
  protected abstract judge(request: IntakeRequest): Verdict;

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    return this;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the intake does not listen");
    return address.port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Closes all connections, as a receiver does with those that were idle for too long, or when it is restarted. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  protected violation(text: string): void {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(text);
  }

  /** The body without its `Content-Encoding`, or undefined when it cannot be had. */
  protected decode(request: IntakeRequest, allowed: readonly string[]): Buffer | undefined {
    const encoding = request.headers["content-encoding"] ?? "identity";
    if (!allowed.includes(encoding)) return undefined;
    const limit = { maxOutputLength: MAX_DECODED_BYTES };
    try {
      if (encoding === "gzip") return gunzipSync(request.body, limit);
      if (encoding === "deflate") return inflateSync(request.body, limit);
      return request.body;
    } catch {
      // Not in that encoding, or a bomb: the protocol refuses both in its own words.
      return undefined;
    }
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const number = ++this.requests;
    const { method = "", url = "", headers } = incoming;
    const request: IntakeRequest = { number, method, path: url, headers, body: Buffer.concat(chunks) };
    this.unanswered.add(number);
    response.once("close", () => this.unanswered.delete(number));
    await this.#answer(this.judge(request), this.respond(request) ?? {}, response);
  }

  async #answer(verdict: Verdict, fault: Fault, response: ServerResponse): Promise<void> {
    const status = fault.status ?? verdict.status;
    const isOwnAnswer = fault.instead === undefined && (fault.status === undefined || fault.status < 300);
    if (fault.indexed ?? isOwnAnswer) verdict.index();
    await fault.hold;
    if (fault.delayMs !== undefined) await pause(fault.delayMs);
    if (response.destroyed || fault.instead === "hang") return;
    if (fault.instead === "reset") {
      response.socket?.resetAndDestroy();
      return;
    }
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const body = Buffer.from(JSON.stringify(fault.body ?? (fault.status === undefined ? verdict.body : {})));
    const headers = { "content-type": "application/json", "content-length": body.length };
    response.writeHead(status, { ...headers, ...fault.headers });
    if (fault.instead === "hangInBody") {
      response.write(body.subarray(0, body.length / 2));
      return;
    }
    if (fault.answered !== undefined) response.once("finish", fault.answered);
    response.end(body);
  }
}
