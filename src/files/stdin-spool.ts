/*
 * A long file: what is taken from stdin, where it lies until every sink has it, and when the pipe has to wait are one
 * state, and read best together.
 */
import { closeSync, fstatSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { describeError, errorCode } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";
import { makeDirectory } from "../core/make-directory.ts";
import { escapeGlob } from "../core/paths.ts";
import type { SourceSettings } from "./log-file.ts";

/** The segment that is written to. Full ones get a number behind the name, as rotated files have. */
const LIVE = "stdin.log";
/** Higher numbers are younger, so all have as many digits. */
const DIGITS = 10;
/** A segment is closed at the end of the first line beyond this, or beyond a quarter of what all may take. */
const SEGMENT_BYTES = 8 * 1_024 ** 2;
const SEGMENT_PART = 1 / 4;
/** A line that is longer than so many segments is cut: a segment must come to its end, or it could never be deleted. */
const LONGEST_SEGMENTS = 2;
/** A disk that takes nothing is tried again this often. */
const RETRY_MS = 1_000;
/** The clock of births ticks every 1 to 10 ms. */
const BIRTH_WAIT_MS = 2;
const MAX_BIRTH_WAITS = 10;
const LF = 0x0a;
const SEGMENT = /^stdin\.log(?:\.\d{10})?$/;

export interface StdinSpoolOptions {
  readonly input: Readable;
  /** Where the segments lie: a directory of our own, out of the application's reach. */
  readonly directory: string;
  /** Bound of all segments together, bytes. At the bound the pipe waits. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly emit: Emit;
}

/**
 * Appends stdin to segment files, which are followed like any log file and deleted when every sink has them: what can't be
 * read twice is kept until it was delivered. Each chunk is written before the next one is asked for, and in the same turn
 * in which it was read, so that a kill finds no bytes in between.
 */
export class StdinSpool {
  readonly #options: StdinSpoolOptions;
  readonly #segmentBytes: number;
  /** Bytes of each segment by its name, the live one among them. */
  readonly #sizes = new Map<string, number>();
  readonly #ended = new AbortController();
  readonly #closed = new AbortController();
  #fd: number | undefined;
  #number: number;
  /** When the live segment was made, nanoseconds since the epoch; 0 where the file system does not keep that. */
  #born = 0n;
  /** What the disk did not take. The input is paused then. */
  #untaken: Buffer | undefined;
  #waitsFor: string | undefined;
  #isTaking = false;

  /** Makes the directory and keeps what an earlier run left there: its unfinished last line is a line of its own. */
  static async open(options: StdinSpoolOptions): Promise<StdinSpool> {
    await makeDirectory(options.directory, 0o700);
    const sizes = new Map<string, number>();
    for (const name of await readdir(options.directory)) {
      if (SEGMENT.test(name)) sizes.set(name, (await stat(join(options.directory, name))).size);
    }
    const spool = new StdinSpool(options, sizes);
    if ((sizes.get(LIVE) ?? 0) > 0) spool.#close();
    spool.#begin();
    return spool;
  }

  private constructor(options: StdinSpoolOptions, sizes: ReadonlyMap<string, number>) {
    this.#options = options;
    this.#segmentBytes = Math.min(SEGMENT_BYTES, Math.ceil(options.maxBytes * SEGMENT_PART));
    for (const [name, size] of sizes) this.#sizes.set(name, size);
    this.#number = Math.max(0, ...[...sizes.keys()].map((name) => Number(name.slice(LIVE.length + 1))));
  }

  /** Aborted when stdin has ended and all of it is in segments. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Bytes in all segments. */
  get bytes(): number {
    return [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** Begins, or goes on, to take what comes. */
  take(): void {
    if (this.#isTaking) return;
    const { input } = this.#options;
    this.#isTaking = true;
    // It would flow as soon as somebody listens.
    input.pause();
    input.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError);
    if (input.readableEnded) this.#onEnd();
    this.#waitForRoom();
    this.#proceed();
  }

  /** Takes nothing more. What is in the pipe stays there for whoever takes next. */
  suspend(): void {
    const { input } = this.#options;
    this.#isTaking = false;
    input.pause();
    input.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError);
  }

  /** Every sink has the segment: it is deleted. What keeps it from that is told, and it goes on taking its space. */
  async discard(path: string): Promise<boolean> {
    const name = basename(path);
    if (!this.#sizes.has(name)) return false;
    try {
      await rm(path, { force: true });
      this.#sizes.delete(name);
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.#wait(`a segment can't be deleted: ${describeError(error)}`);
      return false;
    }
    this.#proceed();
    return true;
  }

  close(): void {
    this.suspend();
    this.#closed.abort();
    if (this.#untaken !== undefined) this.#write(this.#untaken);
    if (this.#untaken !== undefined)
      this.#options.emit({ kind: "stdin.lost", bytes: this.#untaken.length, reason: this.#waitsFor ?? "" });
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#write(chunk);
    this.#waitForRoom();
  };

  readonly #onEnd = (): void => {
    if (this.#untaken === undefined) this.#ended.abort();
  };

  /** A broken input gives no more, as an ended one. */
  readonly #onError = (error: Error): void => {
    this.#wait(describeError(error));
    this.#onEnd();
  };

  /** Writes what there is, closing segments on the way; what the disk does not take is kept and tried again. */
  #write(chunk: Buffer): void {
    let rest = chunk;
    try {
      while (rest.length > 0) {
        this.#begin();
        const part = rest.subarray(0, this.#roomFor(rest));
        const written = writeSync(this.#fd ?? -1, part);
        this.#sizes.set(LIVE, (this.#sizes.get(LIVE) ?? 0) + written);
        rest = rest.subarray(written);
        if (written === part.length && this.#isFull(part)) this.#close();
      }
      this.#untaken = undefined;
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.#untaken = Buffer.from(rest);
      this.#wait(describeError(error));
      void this.#retry();
    }
  }

  /** How much of the bytes belongs into this segment: up to the line's end with which it is full. */
  #roomFor(bytes: Buffer): number {
    const room = this.#segmentBytes - (this.#sizes.get(LIVE) ?? 0);
    const newline = bytes.indexOf(LF, Math.max(0, room - 1));
    const longest = Math.max(1, room + (LONGEST_SEGMENTS - 1) * this.#segmentBytes);
    return Math.min(newline === -1 ? bytes.length : newline + 1, longest);
  }

  #isFull(lastPart: Buffer): boolean {
    const size = this.#sizes.get(LIVE) ?? 0;
    const isLineEnd = lastPart.at(-1) === LF;
    return size >= (isLineEnd ? this.#segmentBytes : LONGEST_SEGMENTS * this.#segmentBytes);
  }

  #begin(): void {
    if (this.#fd !== undefined) return;
    const path = join(this.#options.directory, LIVE);
    let fd = openSync(path, "a", 0o600);
    let born = fstatSync(fd, { bigint: true }).birthtimeNs;
    // Segments are read in the order of their births, and the clock of the births is coarse.
    for (let wait = 0; wait < MAX_BIRTH_WAITS && born !== 0n && born === this.#born; wait += 1) {
      closeSync(fd);
      unlinkSync(path);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BIRTH_WAIT_MS);
      fd = openSync(path, "a", 0o600);
      born = fstatSync(fd, { bigint: true }).birthtimeNs;
    }
    this.#fd = fd;
    this.#born = born;
    if (!this.#sizes.has(LIVE)) this.#sizes.set(LIVE, 0);
  }

  #close(): void {
    const { directory } = this.#options;
    const name = `${LIVE}.${String(this.#number + 1).padStart(DIGITS, "0")}`;
    renameSync(join(directory, LIVE), join(directory, name));
    this.#number += 1;
    this.#sizes.set(name, this.#sizes.get(LIVE) ?? 0);
    this.#sizes.delete(LIVE);
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  async #retry(): Promise<void> {
    await this.#options.clock.sleep(RETRY_MS, this.#closed.signal);
    if (this.#closed.signal.aborted || this.#untaken === undefined) return;
    this.#write(this.#untaken);
    if (this.#untaken !== undefined) return;
    if (this.#options.input.readableEnded) this.#onEnd();
    this.#proceed();
  }

  #waitForRoom(): void {
    if (this.bytes >= this.#options.maxBytes) this.#wait(`${this.bytes} bytes wait for the sinks`);
  }

  #wait(reason: string): void {
    this.#options.input.pause();
    if (this.#waitsFor === undefined) this.#options.emit({ kind: "stdin.waiting", reason });
    this.#waitsFor = reason;
  }

  /** Lets the input flow, if there is room for what it brings. */
  #proceed(): void {
    if (!this.#isTaking || this.#untaken !== undefined || this.bytes >= this.#options.maxBytes) return;
    if (this.#waitsFor !== undefined) this.#options.emit({ kind: "stdin.resumed" });
    this.#waitsFor = undefined;
    this.#options.input.resume();
  }
}

/** The source that follows the segments instead of stdin itself: nobody else writes to them, and nothing of them is skipped. */
export const segmentsOf = (source: SourceSettings, directory: string): SourceSettings => ({
  ...source,
  include: [join(escapeGlob(directory), `${LIVE}*`)],
  exclude: [],
  startAt: "beginning",
  ignoreOlder: undefined,
  allowedRoots: [],
  rotated: { ...source.rotated, grace: 0 },
});
