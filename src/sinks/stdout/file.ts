import { fstatSync, write } from "node:fs";
import { open } from "node:fs/promises";
import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { errorCode } from "../../core/errors.ts";
import type { Outcome } from "../../core/outcome.ts";
import { classifyWrite } from "./classify.ts";

const writeSome = promisify(write);

const LINE_FEED = Buffer.from("\n");

/**
 * Writes to the regular file that standard output leads to. Node's own stream for one takes a write for done that a full disk
 * has cut short.
 */
export class FileWriter {
  readonly #descriptor: number;
  /** Whether the file ends in the middle of a line; undefined until it was looked at. */
  #isTorn: boolean | undefined;

  /** Undefined if the stream leads to anything else. */
  static for(stream: Writable): FileWriter | undefined {
    const descriptor = "fd" in stream && typeof stream.fd === "number" ? stream.fd : undefined;
    return descriptor !== undefined && fstatSync(descriptor).isFile() ? new FileWriter(descriptor) : undefined;
  }

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Delivered when all of it is written. What was written of it before a failure stays a line of its own: it comes again. */
  async write(body: Buffer): Promise<Outcome> {
    this.#isTorn ??= await endsWithinLine(this.#descriptor);
    try {
      if (this.#isTorn) await this.#writeAll(LINE_FEED);
      await this.#writeAll(body);
      return classifyWrite(undefined);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return classifyWrite(error);
    }
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await writeSome(this.#descriptor, bytes, written, bytes.length - written, null);
      written += bytesWritten;
      this.#isTorn = written < bytes.length;
    }
  }
}

/** Whether the file's last line has no end: an agent before was killed in the middle of a write. */
async function endsWithinLine(descriptor: number): Promise<boolean> {
  try {
    await using file = await open(`/proc/self/fd/${descriptor}`, "r");
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    return bytesRead === 1 && buffer[0] !== LINE_FEED[0];
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    // It may not be read.
    return false;
  }
}
