import { type Writable } from "node:stream";
import winston from "winston";
import Transport from "winston-transport";
import type { Emit } from "../core/events.ts";
import { describeEvent } from "./describe.ts";

export interface LoggerOptions {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly format: "auto" | "json" | "pretty";
  /** Where the lines go: stderr. stdout belongs to the sink of that name. */
  readonly stream: Writable & { readonly isTTY?: boolean };
  /** Called for each line that nobody took. */
  readonly onDropped?: (() => void) | undefined;
}

/** Lines that the stream has not taken yet, bytes. A stuck terminal must not stall shipping, nor fill the memory. */
const MAX_BACKLOG_BYTES = 1_024 ** 2;

const MESSAGE = Symbol.for("message");

/** Never waits for the stream: what does not fit into its backlog is dropped, counted, and the count is told later. */
class StreamTransport extends Transport {
  readonly #stream: Writable;
  readonly #tellDropped: (lines: number) => string;
  readonly #onDropped: () => void;
  #dropped = 0;

  constructor(stream: Writable, tellDropped: (lines: number) => string, onDropped: () => void) {
    super();
    this.#stream = stream;
    this.#tellDropped = tellDropped;
    this.#onDropped = onDropped;
    // A closed stderr is no reason to stop shipping.
    stream.on("error", () => this.#drop());
  }

  override log(info: Record<symbol, unknown>, next: () => void): void {
    if (this.#stream.writableLength > MAX_BACKLOG_BYTES) {
      this.#drop();
    } else {
      if (this.#dropped > 0) this.#stream.write(`${this.#tellDropped(this.#dropped)}\n`);
      this.#dropped = 0;
      this.#stream.write(`${String(info[MESSAGE])}\n`);
    }
    next();
  }

  #drop(): void {
    this.#dropped += 1;
    this.#onDropped();
  }
}

/** File names come from the untrusted volume: what they hold must not move the cursor or begin a line. */
const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) =>
    JSON.stringify(character)
      .slice(1, -1)
      .replace(/^[\x7f-\x9f]$/, "\u{fffd}"),
  );

const pretty = winston.format.printf(({ timestamp, level, message }) => {
  return `${String(timestamp).slice(11, 23)} ${level.padEnd(5)} ${printable(String(message))}`;
});

const prettyDropped = (lines: number): string => `(${lines} log lines were dropped because nobody took them)`;

const jsonDropped = (lines: number): string =>
  JSON.stringify({ event: "log.dropped", level: "warn", lines, message: prettyDropped(lines) });

/** The agent's own log: one JSON object a line, or short lines for people on a terminal. */
export function createLogger({ level, format, stream, onDropped = () => {} }: LoggerOptions): winston.Logger {
  const asJson = format === "json" || (format === "auto" && stream.isTTY !== true);
  return winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), asJson ? winston.format.json() : pretty),
    transports: [new StreamTransport(stream, asJson ? jsonDropped : prettyDropped, onDropped)],
  });
}

/** Turns events into log lines. */
export function logEvents(logger: winston.Logger): Emit {
  return (event) => {
    const { kind, ...fields } = event;
    const { level, message } = describeEvent(event);
    logger.log({ level, message, event: kind, ...fields });
  };
}
