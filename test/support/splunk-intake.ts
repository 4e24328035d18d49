import { HttpIntake, type IntakeRequest, type Verdict } from "./http-intake.ts";
import { concatenatedValues, isObject, JsonSyntaxError, objectMembers } from "./json-stream.ts";

/** One event as Splunk indexed it. */
export interface SplunkEvent {
  /** Seconds since the Unix epoch. */
  readonly time: number | undefined;
  readonly host: string | undefined;
  readonly source: string | undefined;
  readonly sourcetype: string | undefined;
  readonly index: string | undefined;
  readonly event: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface SplunkIntakeOptions {
  readonly token?: string;
  /** `[http_input] max_content_length`, bytes of the uncompressed body. 1 MB is what Splunk Cloud documents. */
  readonly maxContentLength?: number;
  /** Indexes the token may write to; another one gives code 7. */
  readonly indexes?: readonly string[];
  /** The token has indexer acknowledgement switched on: requests need a channel, and get an `ackId`. */
  readonly acknowledges?: boolean;
  /** Says which events Splunk cannot read (code 6), to place a fault inside a batch. */
  readonly isPoison?: (event: SplunkEvent) => boolean;
  /** Called for each event that is indexed, in order. Without it the first `MAX_KEPT` are kept in `events`. */
  readonly onEvent?: (event: SplunkEvent, request: IntakeRequest) => void;
}

const PATHS = new Set(["/services/collector/event", "/services/collector", "/services/collector/event/1.0"]);
const ACK_PATH = "/services/collector/ack";
const KEYS = new Set(["time", "host", "source", "sourcetype", "index", "event", "fields"]);
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_KEPT = 20_000;

/** HTTP status and text by code: the reply codes of the HTTP Event Collector. */
const REPLIES: Readonly<Record<number, readonly [status: number, text: string]>> = {
  0: [200, "Success"],
  2: [401, "Token is required"],
  3: [401, "Invalid authorization"],
  4: [403, "Invalid token"],
  5: [400, "No data"],
  6: [400, "Invalid data format"],
  7: [400, "Incorrect index"],
  10: [400, "Data channel is missing"],
  11: [400, "Invalid data channel"],
  12: [400, "Event field is required"],
  13: [400, "Event field cannot be blank"],
  14: [400, "ACK is disabled"],
  15: [400, "Error in handling indexed fields"],
  404: [404, "The requested URL was not found on this server."],
  405: [405, "The requested method is not allowed."],
  413: [413, "Content length is too large."],
  415: [415, "Unsupported content encoding."],
};

/** The fault of one event; `code` 200 stands for what Splunk answers when it silently stops reading. */
class EventFault extends Error {
  readonly code: number;

  constructor(code: number, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** What an indexer knows of one channel: numbers given so far, and those of requests that are indexed, until it has said so. */
interface Channel {
  given: number;
  readonly indexed: Set<number>;
}

/**
 * Splunk's `/services/collector/event` as measured on 10.4: a fault in event i answers 400 with `invalid-event-number: i`
 * (code 7: i + 1); the events before it are indexed, it and those after it are not; an unknown envelope key answers 200
 * and silently loses the rest. With `acknowledges` the answer carries an `ackId` that counts from 0 in each channel, and
 * `/services/collector/ack` says `true` of it once, when it is indexed; then, and of what it never knew, `false`.
 */
export class SplunkIntake extends HttpIntake {
  readonly events: SplunkEvent[] = [];
  indexed = 0;
  readonly encodings = new Set<string>();
  readonly channels = new Set<string>();
  largestBody = 0;
  /** Requests are received, but not indexed, until this is false again. */
  holdsBack = false;
  /** Questions for acknowledgements, each with its channel and numbers. */
  readonly questions: { readonly channel: string; readonly asked: readonly number[] }[] = [];
  readonly #ackChannels = new Map<string, Channel>();
  /** Received, and not indexed yet. */
  readonly #heldBack: (() => void)[] = [];
  readonly #options: Required<Omit<SplunkIntakeOptions, "indexes">> & Pick<SplunkIntakeOptions, "indexes">;

  constructor(options: SplunkIntakeOptions = {}) {
    super();
    const keep = (event: SplunkEvent): void => {
      if (this.events.length < MAX_KEPT) this.events.push(event);
    };
    this.#options = {
      token: "11111111-2222-3333-4444-555555555555",
      maxContentLength: 1_000_000,
      isPoison: () => false,
      acknowledges: false,
      onEvent: keep,
      ...options,
    };
  }

  /** Indexes what was held back, and from now on at once. */
  release(): void {
    this.holdsBack = false;
    for (const index of this.#heldBack.splice(0)) index();
  }

  /** The indexer starts anew: it knows no channel, and what it had not indexed is lost. */
  restart(): void {
    this.#ackChannels.clear();
    this.#heldBack.length = 0;
  }

  protected judge(request: IntakeRequest): Verdict {
    if (request.path.split("?")[0] === ACK_PATH) return this.#judgeQuestion(request);
    const refused = this.#checkHead(request);
    if (refused !== undefined) return this.#reply(refused, []);
    const body = this.decode(request, ["identity", "gzip"]);
    if (body === undefined) return this.#reply(415, []);
    if (body.length > this.#options.maxContentLength) return this.#reply(413, []);
    this.encodings.add(request.headers["content-encoding"] ?? "identity");
    this.largestBody = Math.max(this.largestBody, body.length);
    return this.#readAll(body, request);
  }

  /** The code that refuses the request before its body is looked at. */
  #checkHead({ method, path, headers }: IntakeRequest): number | undefined {
    const name = path.split("?")[0] ?? "";
    if (!PATHS.has(name) && name !== ACK_PATH) return 404;
    if (method !== "POST") return 405;
    const { authorization } = headers;
    if (authorization === undefined) return 2;
    if (!authorization.startsWith("Splunk ")) return 3;
    if (authorization !== `Splunk ${this.#options.token}`) return 4;
    const channel = headers["x-splunk-request-channel"];
    if (channel === undefined) return this.#options.acknowledges ? 10 : undefined;
    if (typeof channel !== "string" || !GUID.test(channel)) return 11;
    this.channels.add(channel);
    return undefined;
  }

  #readAll(body: Buffer, request: IntakeRequest): Verdict {
    const events: SplunkEvent[] = [];
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
      for (const envelope of concatenatedValues(text)) events.push(this.#readEvent(envelope));
    } catch (error) {
      if (error instanceof EventFault) {
        if (error.code === 200) this.violation(error.message);
        return this.#reply(error.code, events, request, error.message);
      }
      if (!(error instanceof JsonSyntaxError || error instanceof TypeError)) throw error;
      return this.#reply(6, events, request, error.message);
    }
    return this.#reply(events.length === 0 ? 5 : 0, events, request);
  }

  /** A request that is received, and indexed now or later. */
  #numbered({ headers }: IntakeRequest, body: Readonly<Record<string, unknown>>, index: () => void): Verdict {
    const name = String(headers["x-splunk-request-channel"]);
    const channel = this.#ackChannels.get(name) ?? { given: 0, indexed: new Set() };
    this.#ackChannels.set(name, channel);
    const ackId = channel.given;
    channel.given += 1;
    const indexed = (): void => {
      index();
      channel.indexed.add(ackId);
    };
    const received = (): void => {
      if (this.holdsBack) this.#heldBack.push(indexed);
      else indexed();
    };
    return { status: 200, body: { ...body, ackId }, index: received };
  }

  #judgeQuestion(request: IntakeRequest): Verdict {
    const refused = this.#checkHead(request);
    if (refused !== undefined) return this.#reply(refused, []);
    if (!this.#options.acknowledges) return this.#reply(14, []);
    const channel = String(request.headers["x-splunk-request-channel"]);
    const asked = readNumbers(request.body.toString());
    if (asked === undefined || asked.length === 0) return this.#reply(6, []);
    this.questions.push({ channel, asked });
    const indexed = this.#ackChannels.get(channel)?.indexed ?? new Set();
    const acks = Object.fromEntries(asked.map((number) => [number, indexed.has(number)]));
    return {
      status: 200,
      body: { acks },
      // Said once: then it is forgotten.
      index: () => {
        for (const number of asked) indexed.delete(number);
      },
    };
  }

  #readEvent(envelope: string): SplunkEvent {
    const event = readEnvelope(envelope);
    const { indexes } = this.#options;
    if (event.index !== undefined && indexes?.includes(event.index) === false) throw new EventFault(7, event.index);
    if (this.#options.isPoison(event)) throw new EventFault(6, "poison");
    return event;
  }

  #reply(code: number, events: readonly SplunkEvent[], request?: IntakeRequest, detail = ""): Verdict {
    const index = (): void => {
      for (const event of events) {
        this.indexed += 1;
        if (request !== undefined) this.#options.onEvent(event, request);
      }
    };
    const [status, text] = REPLIES[code] ?? [200, "Success"];
    const isFault = status >= 300 && ![2, 3, 4, 7, 14].includes(code) && detail !== "poison";
    if (isFault) this.violation(`${status} code ${code}: ${text} ${detail}`);
    if (status < 300 && request !== undefined && this.#options.acknowledges) {
      return this.#numbered(request, { text, code: 0 }, index);
    }
    if (status < 300) return { status, body: { text, code: 0 }, index };
    // What stands before the fault is indexed although the answer is an error.
    const number = detail === "" ? {} : { "invalid-event-number": events.length + (code === 7 ? 1 : 0) };
    return { status, body: { text, code, ...number }, index };
  }
}

function readNumbers(text: string): readonly number[] | undefined {
  let question: unknown;
  try {
    question = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(question) || !Array.isArray(question["acks"])) return undefined;
  const numbers: unknown[] = question["acks"];
  return numbers.every((number) => typeof number === "number" && Number.isInteger(number))
    ? numbers.map(Number)
    : undefined;
}

function readEnvelope(envelope: string): SplunkEvent {
  if (envelope[0] !== "{") throw new EventFault(6, "an envelope that is not an object");
  const values = new Map<string, unknown>();
  for (const [name, value] of objectMembers(envelope)) {
    if (!KEYS.has(name)) throw new EventFault(200, `unknown envelope key ${name}`);
    if (values.has(name)) throw new EventFault(200, `the envelope key ${name} stands twice`);
    if (name === "time" && !/^"?\d+(\.\d+)?"?$/.test(value)) throw new EventFault(15, `time ${value}`);
    values.set(name, parseValue(value));
  }
  checkEvent(values);
  const fields = values.get("fields") ?? {};
  if (!isObject(fields) || !Object.values(fields).every(isFlat)) throw new EventFault(15, "fields are not flat");
  const time = values.get("time");
  return {
    time: time === undefined ? undefined : Number(time),
    host: text(values, "host"),
    source: text(values, "source"),
    sourcetype: text(values, "sourcetype"),
    index: text(values, "index"),
    event: values.get("event"),
    fields,
  };
}

/** What an indexed field may hold: a string, or an array of them. */
const isFlat = (value: unknown): boolean =>
  typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));

function parseValue(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new EventFault(6, String(error));
  }
}

function checkEvent(values: ReadonlyMap<string, unknown>): void {
  const event = values.get("event");
  if (event === undefined) throw new EventFault(12, "no event");
  if (event === null || event === false) throw new EventFault(6, `event ${event}`);
  if (typeof event === "string" && event.trim() === "") throw new EventFault(13, "a blank event");
}

function text(values: ReadonlyMap<string, unknown>, key: string): string | undefined {
  const value = values.get(key);
  if (value === undefined || typeof value === "string") return value;
  throw new EventFault(6, `${key} is not a string`);
}
