import type winston from "winston";
import type { Config } from "../config/schema.ts";
import type { Emit } from "../core/events.ts";
import { createLogger, logEvents, type LoggerOptions } from "../telemetry/logger.ts";

/** The agent's own log, whose settings a new configuration may change. Before the first one it has the defaults. */
export class OwnLog {
  readonly #stream: LoggerOptions["stream"];
  /** By format. Each listens to the stream for good, so there is one of each at most. */
  readonly #loggers = new Map<string, winston.Logger>();
  #emit: Emit;
  #dropped = 0;

  constructor(stream: LoggerOptions["stream"]) {
    this.#stream = stream;
    this.#emit = this.#emitTo({ level: "info", format: "auto" });
  }

  configure(settings: Config["log"]): void {
    this.#emit = this.#emitTo(settings);
  }

  /** Lines that nobody took. */
  get dropped(): number {
    return this.#dropped;
  }

  readonly emit: Emit = (event) => this.#emit(event);

  #emitTo({ level, format }: Config["log"]): Emit {
    const logger = this.#loggers.get(format) ?? this.#create(level, format);
    this.#loggers.set(format, logger);
    logger.level = level;
    return logEvents(logger);
  }

  #create(level: LoggerOptions["level"], format: LoggerOptions["format"]): winston.Logger {
    return createLogger({ level, format, stream: this.#stream, onDropped: () => (this.#dropped += 1) });
  }
}
