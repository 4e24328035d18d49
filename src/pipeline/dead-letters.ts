import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { LossCheckpoint } from "../core/checkpoint.ts";
import type { Clock } from "../core/clock.ts";
import { describeError, errorCode } from "../core/errors.ts";
import { type Condemned, encodeLetter } from "./dead-letter.ts";
import { evictOldest, finishEvictions } from "./dead-letter-eviction.ts";
import { CLOSE_REQUEST, closeLeftovers, measureSegments, type Owner } from "./dead-letter-segments.ts";
import { LetterWriter } from "./dead-letter-writer.ts";

/** A segment is closed when it has this many bytes, or an eighth of what all may have: eviction takes whole segments. */
const SEGMENT_BYTES = 8 * 1_024 ** 2;
const SEGMENT_PART = 1 / 8;

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

/**
 * Records that can't be delivered, kept as NDJSON segments in the state directory. They are on disk before the cursor
 * moves over them, and what comes at the same time shares one fsync.
 */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #owner: Owner;
  /** Bytes in use; undefined until they are measured. */
  #bytes: number | undefined;
  readonly #writer: LetterWriter;
  readonly #waiting: Group[] = [];
  #working: Promise<void> = Promise.resolve();
  #recovered = false;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    this.#owner = options.owner ?? "open";
    this.#writer = new LetterWriter({
      ...options,
      owner: this.#owner,
      closeRequested: () => this.#closeOnRequest(),
    });
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
    this.#writer.stop();
    await this.#tidy(() => this.#writer.close());
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
      await this.#writer.append(lines);
      this.#bytes = (this.#bytes ?? 0) + lines.length;
      if (this.#writer.bytes >= Math.min(SEGMENT_BYTES, this.maxBytes * SEGMENT_PART)) await this.#writer.close();
      return { kind: "kept" };
    } catch (error) {
      this.#bytes = undefined;
      // Should any of this fail too, the segment is closed by the next append.
      this.#recovered = false;
      await this.#writer.giveUp();
      return { kind: "failed", reason: describeError(error) };
    }
  }

  async #recover(): Promise<void> {
    await closeLeftovers(this.#options.directory, this.#owner);
    if (this.#owner === "open") await finishEvictions(this.#options);
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

  /** The open segment goes when there is no other. False if there is nothing to evict. */
  async #evictOldest(): Promise<boolean> {
    if (await evictOldest(this.#options)) return true;
    await this.#writer.close();
    return evictOldest(this.#options);
  }

  #closeOnRequest(): Promise<void> {
    return this.#tidy(async () => {
      await this.#writer.close();
      await rm(join(this.#options.directory, CLOSE_REQUEST), { force: true });
    });
  }
}
