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
}

/** Lines that the stream has not taken yet, bytes. A stuck terminal must not stall shipping, nor fill the memory. */
const MAX_BACKLOG_BYTES = 1_024 ** 2;

const MESSAGE = Symbol.for("message");

/** Never waits for the stream: what does not fit into its backlog is dropped, counted, and the count is told later. */
class StreamTransport extends Transport {
  readonly #stream: Writable;
  #dropped = 0;

  constructor(stream: Writable) {
    super();
    this.#stream = stream;
    // A closed stderr is no reason to stop shipping.
    stream.on("error", () => this.#dropped++);
  }

  override log(info: Record<symbol, unknown>, next: () => void): void {
    if (this.#stream.writableLength > MAX_BACKLOG_BYTES) {
      this.#dropped += 1;
    } else {
      if (this.#dropped > 0) this.#stream.write(`(${this.#dropped} log lines were dropped because nobody took them)\n`);
      this.#dropped = 0;
      this.#stream.write(`${String(info[MESSAGE])}\n`);
    }
    next();
  }
}

const pretty = winston.format.printf(({ timestamp, level, message }) => {
  return `${String(timestamp).slice(11, 23)} ${level.padEnd(5)} ${String(message)}`;
});

/** The agent's own log: one JSON object a line, or short lines for people on a terminal. */
export function createLogger({ level, format, stream }: LoggerOptions): winston.Logger {
  const asJson = format === "json" || (format === "auto" && stream.isTTY !== true);
  return winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), asJson ? winston.format.json() : pretty),
    transports: [new StreamTransport(stream)],
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
