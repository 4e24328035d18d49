/*
 * A long file: what is written, closed and evicted must agree on one state, the open segment and the bytes in use.
 */
import { open, rename, rm, truncate } from "node:fs/promises";
import { basename, join } from "node:path";
import type { LossCheckpoint } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { describeError, errorCode } from "../core/errors.ts";
import { makeDirectory } from "../core/make-directory.ts";
import { type Condemned, decodeLetter, encodeLetter } from "./dead-letter.ts";
import {
  CLOSE_REQUEST,
  CLOSED,
  closedSegments,
  closeLeftovers,
  closeSegment,
  linesOf,
  listNames,
  measureSegments,
  nextNumber,
  openSuffix,
  type Owner,
  readCursor,
  removeSegment,
} from "./dead-letter-segments.ts";

/** A segment is closed when it has this many bytes, or an eighth of what all may have: eviction takes whole segments. */
const SEGMENT_BYTES = 8 * 1_024 ** 2;
const SEGMENT_PART = 1 / 8;

/** How often the writer looks whether somebody wants its segment closed, while it has one. */
const CLOSE_POLL_MS = 500;

export interface DeadLettersOptions {
  /** Directory of this sink's segments; made when the first record is condemned. */
  readonly directory: string;
  readonly sink: string;
  readonly maxBytes: number;
  /** What happens when they are full: the sink waits, or the oldest letters are lost. */
  readonly full: "block" | "evict";
  readonly owner?: Owner;
  readonly clock: Clock;
  /** Makes the losses of an evicted segment durable. Called again for the same losses if the agent dies on the way. */
  readonly evicted?: (losses: readonly LossCheckpoint[]) => Promise<void>;
}

export type AppendResult =
  { readonly kind: "kept" } | { readonly kind: "full" } | { readonly kind: "failed"; readonly reason: string };

interface Group {
  readonly lines: Buffer;
  readonly settle: (result: AppendResult) => void;
}

interface OpenSegment {
  readonly number: string;
  /** Bytes that are known to be good. */
  bytes: number;
}

/**
 * Records that can't be delivered, kept as NDJSON segments in the state directory. They are on disk before the cursor
 * moves over them, and what comes at the same time shares one fsync.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #owner: Owner;
  /** Bytes in use; undefined until they are measured. */
  #bytes: number | undefined;
  #segment: OpenSegment | undefined;
  readonly #waiting: Group[] = [];
  #working: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  #recovered = false;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    this.#owner = options.owner ?? "open";
  }

  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** Puts the directory in order after a crash. Called once at the start, and again by the next append if it failed. */
  recover(): Promise<void> {
    return this.#tidy(() => this.#recover());
  }

  append(condemned: readonly Condemned[]): Promise<AppendResult> {
    const { sink, clock } = this.#options;
    const text = condemned.map((one) => encodeLetter(one, sink, clock.now())).join("");
    const { promise, resolve } = Promise.withResolvers<AppendResult>();
    this.#waiting.push({ lines: Buffer.from(text), settle: resolve });
    void this.#do(() => this.#appendWaiting());
    return promise;
  }

  /** Closes the open segment, so that it can be replayed. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#tidy(() => this.#closeSegment());
  }

  /** One thing at a time. */
  #do(work: () => Promise<void>): Promise<void> {
    this.#working = this.#working.then(work);
    return this.#working;
  }

  /** What the disk does not allow now, the next append does, or says what is wrong; or else the next start. */
  #tidy(work: () => Promise<void>): Promise<void> {
    return this.#do(async () => {
      try {
        await work();
      } catch (error) {
        if (errorCode(error) === undefined) throw error;
        this.#recovered = false;
      }
    });
  }

  async #appendWaiting(): Promise<void> {
    const groups = this.#waiting.splice(0);
    if (groups.length === 0) return;
    let result = await this.#append(Buffer.concat(groups.map(({ lines }) => lines)));
    for (const { lines, settle } of groups) {
      // Together they were too many; some may fit.
      if (result.kind === "full" && groups.length > 1) settle(await this.#append(lines));
      else settle(result);
    }
  }

  async #append(lines: Buffer): Promise<AppendResult> {
    try {
      if (!this.#recovered) await this.#recover();
      if (!(await this.#makeRoom(lines.length))) return { kind: "full" };
      const segment = (this.#segment ??= await this.#begin());
      await appendDurably(this.#pathOf(segment), lines);
      segment.bytes += lines.length;
      this.#bytes = (this.#bytes ?? 0) + lines.length;
      if (segment.bytes >= Math.min(SEGMENT_BYTES, this.maxBytes * SEGMENT_PART)) await this.#closeSegment();
      return { kind: "kept" };
    } catch (error) {
      await this.#giveUpSegment();
      return { kind: "failed", reason: describeError(error) };
    }
  }

  async #recover(): Promise<void> {
    const { directory } = this.#options;
    await closeLeftovers(directory, this.#owner);
    for (const name of await listNames(directory)) {
      if (this.#owner === "open" && name.endsWith(".evicted")) await this.#account(join(directory, name));
    }
    this.#recovered = true;
  }

  async #makeRoom(bytes: number): Promise<boolean> {
    const { directory, maxBytes, full } = this.#options;
    this.#bytes ??= await measureSegments(directory);
    // A replay may have removed some.
    if (this.#bytes + bytes > maxBytes) this.#bytes = await measureSegments(directory);
    if (full === "evict" && bytes <= maxBytes) {
      while (this.#bytes + bytes > maxBytes && (await this.#evictOldest())) {
        this.#bytes = await measureSegments(directory);
      }
    }
    return this.#bytes + bytes <= maxBytes;
  }

  /** False if there is nothing to evict. */
  async #evictOldest(): Promise<boolean> {
    const { directory } = this.#options;
    if ((await closedSegments(directory)).length === 0) await this.#closeSegment();
    const [oldest] = await closedSegments(directory);
    if (oldest !== undefined) await this.#evict(join(directory, oldest));
    return oldest !== undefined;
  }

  /** The new name tells a crash from a segment that is still kept: what it holds is lost from here on. */
  async #evict(segment: string): Promise<void> {
    await rename(segment, `${segment}.evicted`);
    await this.#account(`${segment}.evicted`);
  }

  async #account(evicted: string): Promise<void> {
    const segment = evicted.slice(0, -".evicted".length);
    await this.#options.evicted?.(await lossesIn(evicted, await readCursor(segment), this.#options));
    await rm(evicted, { force: true });
    await removeSegment(segment);
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
    void this.#closeWhenAsked(number);
    return segment;
  }

  #pathOf({ number }: OpenSegment): string {
    return join(this.#options.directory, number + openSuffix(this.#owner));
  }

  async #closeWhenAsked(number: string): Promise<void> {
    const { clock, directory } = this.#options;
    const request = join(directory, CLOSE_REQUEST);
    while (!this.#stop.signal.aborted) {
      await clock.sleep(CLOSE_POLL_MS, this.#stop.signal);
      if (this.#segment?.number !== number) return;
      const isWanted = this.#owner === "open" && (await exists(request));
      if (isWanted)
        await this.#tidy(async () => {
          await this.#closeSegment();
          await rm(request, { force: true });
        });
    }
  }

  async #closeSegment(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    this.#segment = undefined;
    await closeSegment(this.#options.directory, segment.number, this.#owner);
  }

  /** After a failure: what is known to be good can be replayed, and a torn line must not stand before others. */
  async #giveUpSegment(): Promise<void> {
    this.#bytes = undefined;
    // Should any of this fail too, the segment is closed by the next append.
    this.#recovered = false;
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment !== undefined) await truncate(this.#pathOf(segment), segment.bytes).catch(() => undefined);
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

/** What goes with a segment, summed up by file; letters before the cursor have been replayed. */
async function lossesIn(
  segment: string,
  cursor: number,
  { sink, clock }: DeadLettersOptions,
): Promise<readonly LossCheckpoint[]> {
  const losses = new Map<number, LossCheckpoint>();
  let number = 0;
  for await (const { text } of linesOf(segment)) {
    number += 1;
    const letter = number > cursor ? decodeLetter(text) : undefined;
    if (letter === undefined || letter.length === 0) continue;
    const { generation, file, offset, length } = letter;
    const known = losses.get(generation);
    losses.set(generation, {
      sink,
      file: generation,
      path: file,
      from: Math.min(known?.from ?? offset, offset),
      to: Math.max(known?.to ?? 0, offset + length),
      bytes: (known?.bytes ?? 0) + length,
      reason: `dead letters evicted: ${basename(segment).replace(`${CLOSED}.evicted`, "")}`,
      at: clock.now(),
    });
  }
  return [...losses.values()];
}

const exists = (path: string): Promise<boolean> =>
  open(path, "r").then(
    async (handle) => {
      await handle.close();
      return true;
    },
    () => false,
  );
