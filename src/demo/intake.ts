import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Clock } from "../core/clock.ts";
import { faultAt, type Vendor } from "./faults.ts";
import { Tally } from "./sequence.ts";
import { type Decoded, decodeDatadog, decodeSplunk } from "./wire.ts";

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an intake says, in the words of the vendor. */
interface Protocol {
  /** Any credentials will do: this intake knows no accounts. */
  readonly isAuthorized: (headers: IncomingMessage["headers"]) => boolean;
  readonly decode: (text: string) => Decoded;
  readonly success: Answer;
  readonly unauthorized: Answer;
  readonly faults: Readonly<Record<429 | 503, unknown>>;
}

const PROTOCOLS: Readonly<Record<Vendor, Protocol>> = {
  datadog: {
    isAuthorized: (headers) => typeof headers["dd-api-key"] === "string" && headers["dd-api-key"] !== "",
    decode: decodeDatadog,
    success: { status: 202, body: {} },
    unauthorized: { status: 401, body: { errors: [{ status: "401", title: "Unauthorized" }] } },
    faults: {
      429: { errors: [{ status: "429", title: "Too Many Requests" }] },
      503: { errors: [{ status: "503", title: "Service Unavailable" }] },
    },
  },
  splunk: {
    isAuthorized: ({ authorization }) => authorization?.startsWith("Splunk ") === true,
    decode: decodeSplunk,
    success: { status: 200, body: { text: "Success", code: 0 } },
    unauthorized: { status: 401, body: { text: "Token is required", code: 2 } },
    faults: { 429: { text: "Server is busy", code: 26 }, 503: { text: "Server is busy", code: 9 } },
  },
};

const VENDORS: ReadonlyMap<string, Vendor> = new Map([
  ["/api/v2/logs", "datadog"],
  ["/services/collector/event", "splunk"],
  ["/services/collector", "splunk"],
]);

const HEALTH_PATH = "/services/collector/health";
const HEALTHY: Answer = { status: 200, body: { text: "HEC is healthy", code: 17 } };

/** Above every batch that an agent may send to either vendor by default, before and after decompression. */
const MAX_BODY_BYTES = 8_000_000;

const unzip = promisify(gunzip);

export interface IntakeOptions {
  /** Empty or `0.0.0.0` for every interface. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly clock: Clock;
}

/**
 * A receiver that speaks the Datadog logs intake v2 and Splunk's HTTP Event Collector, on one port. It has outages on
 * purpose, answers real 429 and 503 in them, and keeps a tally of what it took by the records' own sequence numbers.
 */
export class Intake {
  readonly tallies: Readonly<Record<Vendor, Tally>> = { datadog: new Tally(), splunk: new Tally() };
  /** Requests answered with an injected fault. */
  faults = 0;
  /** Requests that no correct client sends: bad credentials, paths or bodies. */
  refusals = 0;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #isFaulty = true;

  /** Resolves when it takes connections; rejects with the system's error if it can't. */
  static async listen({ host, port, clock }: IntakeOptions): Promise<Intake> {
    const intake = new Intake(clock);
    await new Promise<void>((resolve, reject) => {
      intake.#server.once("error", reject);
      intake.#server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
    });
    return intake;
  }

  private constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.elapsed();
    this.#server = createServer((request, response) => {
      // The client went away in the middle of its request: nothing was taken, and nobody is left to be told.
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the intake does not listen");
    return address.port;
  }

  /** No more outages from now on. */
  heal(): void {
    this.#isFaulty = false;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const { status, headers, body: answer } = await this.#answer(request, body);
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(answer));
  }

  async #answer({ headers, method, url = "" }: IncomingMessage, body: Buffer | undefined): Promise<Answer> {
    const path = url.split("?", 1)[0] ?? "";
    if (method === "GET" && path === HEALTH_PATH) return HEALTHY;
    const vendor = VENDORS.get(path);
    if (vendor === undefined || method !== "POST") return this.#refuse({ status: 404, body: { text: "Not found" } });
    const protocol = PROTOCOLS[vendor];
    const fault = this.#isFaulty ? faultAt(vendor, this.#clock.elapsed() - this.#startedMs) : undefined;
    if (fault !== undefined) {
      this.faults += 1;
      const wish = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
      return { status: fault.status, body: protocol.faults[fault.status], headers: wish };
    }
    if (!protocol.isAuthorized(headers)) return this.#refuse(protocol.unauthorized);
    if (body === undefined) return this.#refuse({ status: 413, body: { text: "Payload too large" } });
    return this.#take(vendor, await decompress(body, headers["content-encoding"]));
  }

  #take(vendor: Vendor, text: string | undefined): Answer {
    if (text === undefined)
      return this.#refuse({ status: 400, body: { text: "Unreadable content encoding", code: 6 } });
    const { success, decode } = PROTOCOLS[vendor];
    const { records, refusal } = decode(text);
    for (const record of records) this.tallies[vendor].add(record);
    return refusal === undefined ? success : this.#refuse(refusal);
  }

  #refuse(answer: Answer): Answer {
    this.refusals += 1;
    return answer;
  }
}

/** The body as it came over the wire; undefined if it is too large. All of it is read, so that the client hears the answer. */
async function readBody(request: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined;
}

async function decompress(body: Buffer, encoding = "identity"): Promise<string | undefined> {
  if (encoding === "identity") return body.toString("utf8");
  if (encoding !== "gzip") return undefined;
  try {
    return (await unzip(body, { maxOutputLength: MAX_BODY_BYTES })).toString("utf8");
  } catch {
    // No gzip, or far more than it seemed: the protocol refuses both.
    return undefined;
  }
}
