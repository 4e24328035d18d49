import { open, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { makeDirectory } from "../core/make-directory.ts";
import { CLOSE_REQUEST, closeSegment, nextNumber, openSuffix, type Owner } from "./dead-letter-segments.ts";

/** How often the writer looks whether somebody wants its segment closed, while it has one. */
const CLOSE_POLL_MS = 500;

export interface LetterWriterOptions {
  readonly directory: string;
  readonly owner: Owner;
  readonly clock: Clock;
  /** Somebody else wants to have the open segment closed. */
  readonly closeRequested: () => Promise<void>;
}

interface OpenSegment {
  readonly number: string;
  /** Bytes that are known to be good. */
  bytes: number;
}

/** Appends to the open segment of a sink's dead letters, and makes one when there is none. One call at a time. */
export class LetterWriter {
  readonly #options: LetterWriterOptions;
  readonly #stop = new AbortController();
  #segment: OpenSegment | undefined;

  constructor(options: LetterWriterOptions) {
    this.#options = options;
  }

  /** Bytes in the open segment. */
  get bytes(): number {
    return this.#segment?.bytes ?? 0;
  }

  /** The lines are on disk when it resolves. */
  async append(lines: Buffer): Promise<void> {
    const segment = (this.#segment ??= await this.#begin());
    await appendDurably(this.#pathOf(segment), lines);
    segment.bytes += lines.length;
  }

  async close(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#segment = undefined;
    await closeSegment(this.#options.directory, segment.number, this.#options.owner);
  }

  /** After a failure: what is known to be good can be replayed, and a torn line must not stand before others. */
  async giveUp(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment !== undefined) await truncate(this.#pathOf(segment), segment.bytes).catch(() => undefined);
  }

  /** No longer looks for requests. */
  stop(): void {
    this.#stop.abort();
  }

  /** A new segment's name is durable before anything is in it: one that vanishes in a power cut would take its letters with it. */
  async #begin(): Promise<OpenSegment> {
    const { directory } = this.#options;
    await makeDirectory(directory, 0o700);
    const number = String(await nextNumber(directory)).padStart(8, "0");
    const segment: OpenSegment = { number, bytes: 0 };
    await (await open(this.#pathOf(segment), "ax", 0o600)).close();
    const parent = await open(directory, "r");
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
    if (this.#options.owner === "open") void this.#closeWhenAsked(number);
    return segment;
  }

  #pathOf({ number }: OpenSegment): string {
    return join(this.#options.directory, number + openSuffix(this.#options.owner));
  }

  async #closeWhenAsked(number: string): Promise<void> {
    const { clock, closeRequested, directory } = this.#options;
    const request = join(directory, CLOSE_REQUEST);
    while (!this.#stop.signal.aborted) {
      await clock.sleep(CLOSE_POLL_MS, this.#stop.signal);
      if (this.#segment?.number !== number) return;
      if (await exists(request)) await closeRequested();
    }
  }
}

async function appendDurably(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, "a", 0o600);
  try {
    await handle.appendFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

const exists = (path: string): Promise<boolean> =>
  open(path, "r").then(
    async (handle) => {
      await handle.close();
      return true;
    },
    () => false,
  );
