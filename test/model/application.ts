import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Generation, LATE_MS } from "./generation.ts";
import type { Oracle } from "./oracle.ts";
import { POISON } from "./receiver.ts";

export const LINE_KINDS = [
  "short",
  "long",
  "huge",
  "binary",
  "blank",
  "crlf",
  "same",
  "poison",
  "json",
  "continued",
  "dropped",
  "bulk",
] as const;
export type LineKind = (typeof LINE_KINDS)[number];

/** Lines with this in their text are filtered, if the agent is told to. */
export const DROPPED = "DROPPED";

const BINARY = Buffer.from([0, 0xff, 0xc3, 0x28, 0x0d, 0x80, 0xe2, 0x82, 0x0a]);

/** No piece of it equals another, so that each can be told from where it stands. */
const counted = (id: string, character: string, count: number): string =>
  Array.from({ length: count }, (_, n) => `${id}${n}${character}`).join("");

/** Lines by their kind, each with a number of its own where it has any content. */
const CONTENTS: Readonly<Record<LineKind, (id: string, bulkBytes: number) => string | Buffer>> = {
  short: (id) => `${id} x\n`,
  long: (id) => `${id} ${counted(id, "é", 20)}\n`,
  huge: (id) => `${id} ${counted(id, "€", 150)}\n`,
  binary: (id) => Buffer.concat([Buffer.from(id), BINARY]),
  blank: (id) => (id < "5" ? "\n" : "\r\n"),
  crlf: (id) => `${id} crlf\r\n`,
  same: () => "the same line again and again\n",
  poison: (id) => `${id} ${POISON}\n`,
  continued: (id) => `\tat ${id}\n`,
  dropped: (id) => `${id} ${DROPPED} it\n`,
  bulk: (id, bulkBytes) => `${id} ${counted(id, "b", Math.ceil(bulkBytes / (id.length + 4)))}\n`,
  json: (id) => `{"n":"${id}","message":"json ${id}","level":"info"}\n`,
};

/** `c.log` is a link to the file that is written now. */
export const STREAMS = ["a.log", "b.log", "c.log"] as const;
export type Stream = (typeof STREAMS)[number];

export const ROTATIONS = ["shift", "dateext", "copytruncate", "renameDelete"] as const;
export type Rotation = (typeof ROTATIONS)[number];

/** Generations that the numbered shift keeps. */
const KEEP = 3;

interface Writer {
  readonly generation: Generation;
  readonly fd: number;
}

export interface ApplicationOptions {
  /** No two lines are equal: whoever gets one without its offset can tell where it stands. */
  readonly isDistinct: boolean;
  /** Every log begins with the same bytes. Blank lines: nobody sends them, so nobody has to tell one from another. */
  readonly beginsAlike: boolean;
  readonly bulkBytes: number;
}

/** More than a fingerprint covers. */
const SAME_BEGINNING = Buffer.alloc(1_100, "\n");

/** Something that may come between two steps of a rotation. */
export type Pause = () => Promise<void>;

/** The application with its rotator: writes real files and tells the oracle what it did. */
export class Application {
  readonly #directory: string;
  readonly #oracle: Oracle;
  readonly #now: () => number;
  readonly #options: ApplicationOptions;
  readonly #writers = new Map<Stream, Writer>();
  /** Writers that still hold the file that was rotated last. */
  readonly #late = new Map<Stream, Writer>();
  #lines = 0;
  #names = 0;

  constructor(directory: string, oracle: Oracle, now: () => number, options: ApplicationOptions) {
    this.#options = options;
    this.#directory = directory;
    this.#oracle = oracle;
    this.#now = now;
  }

  /** Appends lines to the live file, which is made if it is not there. */
  write(stream: Stream, lines: readonly LineKind[], unfinished: boolean): void {
    this.#append(this.#writer(stream), lines, unfinished);
  }

  /** Appends lines to the file that was rotated or deleted last: its writer has not noticed yet. */
  writeLate(stream: Stream, lines: readonly LineKind[], unfinished: boolean): void {
    const late = this.#late.get(stream);
    if (late === undefined || late.generation.lostFrom < Number.POSITIVE_INFINITY) return;
    // Once it has been let go, nobody can know what a deleted file still gets.
    if (late.generation.name === undefined && this.#now() - late.generation.grownMs > LATE_MS) return;
    this.#append(late, lines, unfinished);
  }

  /** Rotates; `recreate` makes the next file at once, `between` is written into the gap of a copytruncate. */
  async rotate(stream: Stream, how: Rotation, between: readonly LineKind[], pause: Pause): Promise<void> {
    const writer = this.#writers.get(stream);
    if (writer === undefined || !this.#canBeTold(stream)) return;
    if (how === "copytruncate" && writer.generation.readableMs === undefined) return;
    if (stream === "c.log") return this.#switchLink(stream, pause);
    switch (how) {
      case "shift":
        await this.#shift(stream, pause);
        this.#move(writer, this.#numbered(stream, 1));
        this.#leave(stream);
        break;
      case "dateext":
        this.#move(writer, `${stream}-20260101-${(this.#names += 1)}`);
        this.#leave(stream);
        break;
      case "renameDelete": {
        const name = `${stream}.${KEEP + 1}`;
        this.#move(writer, name);
        this.#leave(stream);
        await pause();
        rmSync(this.#path(name));
        this.#oracle.unlink(writer.generation);
        break;
      }
      case "copytruncate":
        await this.#shift(stream, pause);
        await this.#copyAndTruncate(stream, writer, between, pause);
        return;
    }
    await pause();
  }

  delete(stream: Stream): void {
    const writer = this.#writers.get(stream);
    if (writer === undefined || !this.#canBeTold(stream)) return;
    const { generation } = writer;
    // Of a link the target stays.
    if (stream === "c.log") this.#oracle.rename(generation, readlinkSync(this.#path(stream)), this.#now());
    else this.#oracle.unlink(generation);
    rmSync(this.#path(stream));
    this.#leave(stream);
  }

  /** The oldest rotated file of the stream is deleted. */
  deleteOldest(stream: Stream): void {
    const live = this.#writers.get(stream)?.generation;
    const oldest = this.#oracle.generations.find(
      (generation) => generation.stream === stream && generation !== live && generation.name !== undefined,
    );
    if (oldest?.name === undefined || !this.#canBeTold(stream)) return;
    rmSync(this.#path(oldest.name));
    this.#oracle.unlink(oldest);
  }

  /** Writes until the live file is as long as the one before it of the stream. */
  regrow(stream: Stream): void {
    const live = this.#writers.get(stream)?.generation;
    const before = this.#oracle.generations.findLast((one) => one.stream === stream && one !== live);
    const missing = (): number => (before?.size ?? 0) - (live?.size ?? Number.POSITIVE_INFINITY);
    for (let bytes = missing(); bytes > 0; bytes = missing())
      this.write(stream, [bytes > this.#options.bulkBytes ? "bulk" : "short"], false);
  }

  /** Compresses the youngest rotated file of the stream, and removes it. Nobody writes to it any more. */
  async compress(stream: Stream, pause: Pause): Promise<void> {
    const live = this.#writers.get(stream)?.generation;
    const generation = this.#oracle.generations.findLast(
      (one) => one.stream === stream && one !== live && one.name !== undefined && !one.name.endsWith(".gz"),
    );
    // What begins alike, and was not sent, can't be told from another in an archive.
    if (generation?.name === undefined || this.#options.beginsAlike || generation.readableMs === undefined) return;
    const late = this.#late.get(stream);
    if (late?.generation === generation) {
      if (late.fd !== this.#writers.get(stream)?.fd) closeSync(late.fd);
      this.#late.delete(stream);
    }
    const path = this.#path(generation.name);
    const archive = gzipSync(readFileSync(path));
    const { atime, mtime } = statSync(path);
    writeFileSync(`${path}.gz`, archive.subarray(0, archive.length / 2));
    await pause();
    writeFileSync(`${path}.gz`, archive.subarray(archive.length / 2), { flag: "a" });
    utimesSync(`${path}.gz`, atime, mtime);
    await pause();
    rmSync(path);
    this.#oracle.rename(generation, `${generation.name}.gz`, this.#now());
  }

  /** Takes from all the right to open the live file; or gives it back, for all files of the stream. */
  chmod(stream: Stream, isReadable: boolean): void {
    const live = this.#writers.get(stream)?.generation;
    for (const generation of this.#oracle.generations) {
      if (generation.stream !== stream || generation.name === undefined) continue;
      // What was written anew in its place, and can't be opened, looks like what was there before.
      const isMeant = isReadable ? generation.readableMs === undefined : generation === live && !generation.isInPlace;
      if (!isMeant) continue;
      chmodSync(this.#path(generation.name), isReadable ? 0o644 : 0o000);
      generation.readableMs = isReadable ? this.#now() : undefined;
    }
  }

  /** Empties the live file in its place, and perhaps writes it anew at once. */
  truncate(stream: Stream, lines: readonly LineKind[]): void {
    const writer = this.#writers.get(stream);
    if (writer === undefined || !this.#canBeTold(stream)) return;
    ftruncateSync(writer.fd, 0);
    // What was empty is the same as before.
    if (writer.generation.size > 0) {
      this.#oracle.lose(writer.generation, 0);
      writer.generation.name = undefined;
      this.#begin(stream, writer.fd, true).generation.readableMs = writer.generation.readableMs;
    }
    if (lines.length > 0) this.write(stream, lines, false);
  }

  /**
   * Whether the files of the stream can be told from what else there will be: of what begins alike the agent must have got
   * past that. Then it can go on in a copy, and knows what is none.
   */
  #canBeTold(stream: Stream): boolean {
    if (!this.#options.beginsAlike) return true;
    const there = this.#oracle.generations.filter((one) => one.stream === stream && one.name !== undefined);
    return there.every((generation) => {
      const first = generation.lines.find(({ isFiltered }) => !isFiltered);
      return first === undefined || this.#oracle.isPast(generation, first.end, this.#now());
    });
  }

  close(): void {
    for (const { fd } of new Set([...this.#writers.values(), ...this.#late.values()])) closeSync(fd);
  }

  #writer(stream: Stream): Writer {
    const writer = this.#writers.get(stream);
    if (writer !== undefined) return writer;
    if (stream !== "c.log") return this.#begin(stream, openSync(this.#path(stream), "a"));
    const target = `c.${(this.#names += 1)}.data`;
    const fd = openSync(this.#path(target), "a");
    this.#pointLink(target);
    return this.#begin(stream, fd);
  }

  #begin(stream: Stream, fd: number, isInPlace = false): Writer {
    const generation = this.#oracle.begin(stream, stream, this.#now());
    generation.isInPlace = isInPlace;
    const writer = { generation, fd };
    this.#writers.set(stream, writer);
    return writer;
  }

  #append({ generation, fd }: Writer, kinds: readonly LineKind[], unfinished: boolean): void {
    // A file that is emptied and gets the same bytes again is the same to anybody who looks at it.
    const { beginsAlike } = this.#options;
    const isFirst = generation.size === 0;
    const isInLine = !isFirst && generation.bytes.at(-1) !== 0x0a;
    // Of a line that is cut, each part is dropped or not: no word for the line as a whole.
    const told = isInLine ? kinds.map((kind) => (kind === "dropped" ? "short" : kind)) : kinds;
    const lines: readonly LineKind[] = isFirst && (generation.isInPlace || beginsAlike) ? ["short", ...told] : told;
    const bytes = Buffer.concat([
      ...(isFirst && beginsAlike ? [SAME_BEGINNING] : []),
      ...lines.map((kind) => this.#line(kind)),
    ]);
    const cut = unfinished ? Math.max(1, bytes.length - 4) : bytes.length;
    const written = bytes.subarray(0, cut);
    if (written.length === 0) return;
    writeSync(fd, written);
    generation.append(written, this.#now());
  }

  #line(kind: LineKind): Buffer {
    this.#lines += 1;
    // What differs comes first: a line that begins like another can't be told from it until it is complete.
    const id = `${this.#lines % 10}${this.#lines}`.padEnd(5, "x");
    const { isDistinct, bulkBytes } = this.#options;
    const content = CONTENTS[isDistinct && kind === "same" ? "short" : kind](id, bulkBytes);
    return typeof content === "string" ? Buffer.from(content) : content;
  }

  /** The writer goes on holding the file that it had. */
  #leave(stream: Stream): void {
    const writer = this.#writers.get(stream);
    const before = this.#late.get(stream);
    if (writer === undefined) return;
    if (before !== undefined && before.fd !== writer.fd) closeSync(before.fd);
    this.#late.set(stream, writer);
    this.#writers.delete(stream);
  }

  #move({ generation }: Writer, name: string): void {
    renameSync(this.#path(generation.name ?? ""), this.#path(name));
    this.#oracle.rename(generation, name, this.#now());
  }

  async #shift(stream: Stream, pause: Pause): Promise<void> {
    for (let n = KEEP; n >= 1; n -= 1) {
      for (const suffix of ["", ".gz"]) {
        const from = this.#numbered(stream, n) + suffix;
        const generation = this.#oracle.generations.find(({ name }) => name === from);
        if (generation === undefined) continue;
        const to = this.#numbered(stream, n + 1) + suffix;
        if (n === KEEP) rmSync(this.#path(from));
        else renameSync(this.#path(from), this.#path(to));
        if (n === KEEP) this.#oracle.unlink(generation);
        else this.#oracle.rename(generation, to, this.#now());
        await pause();
      }
    }
  }

  async #copyAndTruncate(stream: Stream, writer: Writer, between: readonly LineKind[], pause: Pause): Promise<void> {
    const { generation } = writer;
    const copy = this.#numbered(stream, 1);
    const { size } = generation;
    copyFileSync(this.#path(stream), this.#path(copy));
    await pause();
    if (between.length > 0) this.#append(writer, between, false);
    await pause();
    ftruncateSync(writer.fd, 0);
    if (generation.size > size) this.#oracle.lose(generation, size);
    this.#oracle.rename(generation, copy, this.#now());
    generation.isHeld = false;
    generation.isCopy = true;
    this.#begin(stream, writer.fd, true);
  }

  async #switchLink(stream: Stream, pause: Pause): Promise<void> {
    const writer = this.#writers.get(stream);
    if (writer === undefined) return;
    const old = readlinkSync(this.#path("c.log"));
    const target = `c.${(this.#names += 1)}.data`;
    const fd = openSync(this.#path(target), "a");
    this.#pointLink(target);
    this.#oracle.rename(writer.generation, old, this.#now());
    this.#leave(stream);
    this.#begin(stream, fd);
    await pause();
  }

  #pointLink(target: string): void {
    const link = this.#path(".link");
    if (existsSync(link)) rmSync(link);
    symlinkSync(target, link);
    renameSync(link, this.#path("c.log"));
  }

  #numbered(stream: Stream, n: number): string {
    return `${stream}.${n}`;
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}
