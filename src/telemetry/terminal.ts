import { closeSync, constants, openSync, write } from "node:fs";
import { Writable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { errorCode } from "../core/errors.ts";

/** How soon a terminal that takes nothing is tried again. */
const RETRY_MS = 50;

/**
 * A terminal that is never waited for. Node writes to terminals synchronously, so one that was stopped with Ctrl-S, or is
 * slow, would stop the whole process. Here its bytes wait in the stream instead, whose backlog the logger bounds.
 */
export class TerminalStream extends Writable {
  readonly isTTY = true;
  readonly #fd: number;
  readonly #clock: Clock;

  /** Opens the terminal anew, for the descriptor that is there shares its mode with other processes. Undefined if that fails. */
  static open(descriptor: 1 | 2, clock: Clock): TerminalStream | undefined {
    try {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
      return new TerminalStream(openSync(`/proc/self/fd/${descriptor}`, flags), clock);
    } catch {
      // Not Linux, or a terminal of another user: then Node's own stream has to do.
      return undefined;
    }
  }

  private constructor(fd: number, clock: Clock) {
    super({ decodeStrings: true });
    this.#fd = fd;
    this.#clock = clock;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#write(bytes, done);
  }

  #write(bytes: Buffer, done: (error?: Error | null) => void): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error !== null && errorCode(error) !== "EAGAIN") return done(error);
      const rest = error === null ? bytes.subarray(written) : bytes;
      if (rest.length === 0) return done();
      void this.#writeLater(rest, done);
    });
  }

  async #writeLater(bytes: Buffer, done: (error?: Error | null) => void): Promise<void> {
    await this.#clock.sleep(RETRY_MS);
    this.#write(bytes, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    closeSync(this.#fd);
    done(error);
  }
}
