import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import { makeDirectory } from "../core/make-directory.ts";
import type { LogRecord } from "../core/record.ts";

/** A closed segment is never appended to again. */
const SEGMENT_BYTES = 8 * 1_024 ** 2;

export interface DeadLettersOptions {
  /** Directory of this sink's segments; made when the first record is rejected. */
  readonly directory: string;
  readonly sink: string;
  readonly maxBytes: number;
  readonly clock: Clock;
}

export type AppendResult =
  { readonly kind: "kept" } | { readonly kind: "full" } | { readonly kind: "failed"; readonly reason: string };

/**
 * Records that a vendor refused for good, kept as NDJSON segments in the state directory: one JSON object a line with
 * `time`, `sink`, `reason`, `file`, `offset` and `record` (its text). A record is on disk before the cursor moves over it.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  #bytes: number | undefined;
  /** Segments begun by this process: part of their names, for two may begin in the same millisecond. */
  #segments = 0;
  #segment = { name: "", bytes: 0 };
  #appending: Promise<unknown> = Promise.resolve();

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  append(record: LogRecord, reason: string): Promise<AppendResult> {
    const appended = this.#appending.then(() => this.#append(record, reason));
    this.#appending = appended;
    return appended;
  }

  async #append(record: LogRecord, reason: string): Promise<AppendResult> {
    const { clock, directory, maxBytes, sink } = this.#options;
    const time = new Date(clock.now()).toISOString();
    const { origin, offset, body } = record;
    const line = Buffer.from(`${JSON.stringify({ time, sink, reason, file: origin.path, offset, record: body })}\n`);
    try {
      this.#bytes ??= await measure(directory);
      if (this.#bytes + line.length > maxBytes) {
        // Measured anew next time: somebody may have moved segments away.
        this.#bytes = undefined;
        return { kind: "full" };
      }
      if (this.#segment.name === "" || this.#segment.bytes + line.length > SEGMENT_BYTES) {
        this.#segment = await begin(directory, `${clock.now()}-${process.pid}-${(this.#segments += 1)}.ndjson`);
      }
      const handle = await open(join(directory, this.#segment.name), "a", 0o600);
      try {
        await handle.appendFile(line);
        await handle.datasync();
      } finally {
        await handle.close();
      }
      this.#segment.bytes += line.length;
      this.#bytes += line.length;
      return { kind: "kept" };
    } catch (error) {
      // A torn line may be left; the next segment begins clean.
      this.#segment = { name: "", bytes: 0 };
      return { kind: "failed", reason: describeError(error) };
    }
  }
}

/** Makes an empty segment whose name is durable: a segment that vanishes in a power cut would take its records with it. */
async function begin(directory: string, name: string): Promise<{ name: string; bytes: number }> {
  await makeDirectory(directory, 0o700);
  await (await open(join(directory, name), "a", 0o600)).close();
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { name, bytes: 0 };
}

async function measure(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
