import { HttpIntake, type IntakeRequest, type Verdict } from "./http-intake.ts";
import { arrayElements, isObject, JsonSyntaxError } from "./json-stream.ts";

/** One log as the intake took it. */
export interface DatadogItem {
  readonly message: string;
  readonly status: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly timestamp: number | undefined;
  readonly ddsource: string | undefined;
  readonly service: string | undefined;
  readonly hostname: string | undefined;
  readonly ddtags: string | undefined;
  /** All keys as they came. */
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface DatadogIntakeOptions {
  readonly apiKey?: string;
  /** Called for each log that is indexed, in order. Without it the first `MAX_KEPT` are kept in `items`. */
  readonly onItem?: (item: DatadogItem, request: IntakeRequest) => void;
}

const MAX_BODY_BYTES = 5_000_000;
const MAX_ITEMS = 1_000;
const MAX_ITEM_BYTES = 1_000_000;
const MAX_AGE_MS = 18 * 3_600_000;
const MAX_AHEAD_MS = 2 * 3_600_000;
const MAX_KEPT = 20_000;

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/**
 * The Datadog Logs intake v2, as its API client and the public agents describe it: `POST /api/v2/logs`, a JSON array of at most
 * 1,000 logs and 5,000,000 bytes uncompressed; a log over 1 MB is cut, a log older than 18 h or over 2 h ahead is
 * taken with a 202 and never seen again.
 */
export class DatadogIntake extends HttpIntake {
  readonly items: DatadogItem[] = [];
  /** Logs indexed. */
  indexed = 0;
  /** Logs over 1 MB, which the real intake cuts. */
  truncated = 0;
  /** Logs whose timestamp the real intake refuses in silence. */
  refusedByTime = 0;
  readonly encodings = new Set<string>();
  largestBody = 0;
  largestBatch = 0;
  readonly #apiKey: string;
  readonly #onItem: (item: DatadogItem, request: IntakeRequest) => void;

  constructor({ apiKey = "datadog-test-key", onItem }: DatadogIntakeOptions = {}) {
    super();
    this.#apiKey = apiKey;
    this.#onItem =
      onItem ??
      ((item) => {
        if (this.items.length < MAX_KEPT) this.items.push(item);
      });
  }

  protected judge(request: IntakeRequest): Verdict {
    try {
      this.#checkHead(request);
      const items = this.#read(request);
      const index = (): void => this.#index(items, request);
      return { status: 202, body: {}, index };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status !== 401 && error.status !== 403) this.violation(`${error.status}: ${error.message}`);
      const errors = [{ title: "Refused", detail: error.message, status: String(error.status) }];
      return { status: error.status, body: { errors }, index: () => {} };
    }
  }

  #checkHead({ method, path, headers }: IntakeRequest): void {
    if (path.split("?")[0] !== "/api/v2/logs") throw new Refusal(404, `no such path: ${path}`);
    if (method !== "POST") throw new Refusal(405, `method ${method}`);
    const key = headers["dd-api-key"];
    if (key === undefined || key === "") throw new Refusal(401, "Unauthorized: no API key");
    if (key !== this.#apiKey) throw new Refusal(403, "Forbidden: invalid API key");
    if (!/^application\/json(;|$)/.test(headers["content-type"] ?? "")) {
      throw new Refusal(415, `content type ${headers["content-type"]}`);
    }
    if (headers["dd-protocol"] !== undefined) throw new Refusal(400, "DD-PROTOCOL is the Datadog Agent's own");
  }

  #read(request: IntakeRequest): DatadogItem[] {
    const encoding = request.headers["content-encoding"] ?? "identity";
    const body = this.decode(request, ["identity", "gzip", "deflate"]);
    if (body === undefined) throw new Refusal(400, `content encoding ${encoding}`);
    if (body.length > MAX_BODY_BYTES) throw new Refusal(413, `payload of ${body.length} bytes`);
    let elements: string[];
    let items: DatadogItem[];
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
      elements = [...arrayElements(text)];
      items = elements.map(readItem);
    } catch (error) {
      if (error instanceof JsonSyntaxError || error instanceof SyntaxError || error instanceof TypeError) {
        throw new Refusal(400, `invalid JSON: ${error.message}`);
      }
      throw error;
    }
    if (items.length === 0) throw new Refusal(400, "an empty array");
    if (items.length > MAX_ITEMS) throw new Refusal(400, `${items.length} logs in one payload`);
    this.encodings.add(encoding);
    this.largestBody = Math.max(this.largestBody, body.length);
    this.largestBatch = Math.max(this.largestBatch, items.length);
    // Only a body of that size can hold one: measuring every log of every body would cost more than the rest.
    if (body.length > MAX_ITEM_BYTES) {
      this.truncated += elements.filter((element) => Buffer.byteLength(element) > MAX_ITEM_BYTES).length;
    }
    return items;
  }

  #index(items: readonly DatadogItem[], request: IntakeRequest): void {
    const now = Date.now();
    for (const item of items) {
      const { timestamp = now } = item;
      if (timestamp < now - MAX_AGE_MS || timestamp > now + MAX_AHEAD_MS) {
        this.refusedByTime += 1;
        continue;
      }
      this.indexed += 1;
      this.#onItem(item, request);
    }
  }
}

function readItem(element: string): DatadogItem {
  const raw: unknown = JSON.parse(element);
  if (!isObject(raw)) throw new Refusal(400, "a log that is not an object");
  const { message } = raw;
  if (typeof message !== "string") throw new Refusal(400, "a log without a message");
  return {
    message,
    status: text(raw, "status"),
    timestamp: time(raw["timestamp"]),
    ddsource: text(raw, "ddsource"),
    service: text(raw, "service"),
    hostname: text(raw, "hostname"),
    ddtags: text(raw, "ddtags"),
    raw,
  };
}

function text(raw: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = raw[key];
  if (value === undefined || typeof value === "string") return value;
  throw new Refusal(400, `${key} is not a string`);
}

/** ISO 8601 or milliseconds since the epoch, which is what the default date remapper takes. */
function time(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const ms = typeof value === "string" ? Date.parse(value) : value;
  if (typeof ms !== "number" || !Number.isFinite(ms)) throw new Refusal(400, "timestamp is not a time");
  return ms;
}
