import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Generation } from "./generation.ts";
import type { Oracle } from "./oracle.ts";
import { POISON } from "./receiver.ts";

export const LINE_KINDS = ["short", "long", "huge", "binary", "blank", "crlf", "same", "poison", "json"] as const;
export type LineKind = (typeof LINE_KINDS)[number];

const BINARY = Buffer.from([0, 0xff, 0xc3, 0x28, 0x0d, 0x80, 0xe2, 0x82, 0x0a]);

/** No piece of it equals another, so that each can be told from where it stands. */
const counted = (id: string, character: string, count: number): string =>
  Array.from({ length: count }, (_, n) => `${id}${n}${character}`).join("");

/** Lines by their kind, each with a number of its own where it has any content. */
const CONTENTS: Readonly<Record<LineKind, (id: string) => string | Buffer>> = {
  short: (id) => `${id} x\n`,
  long: (id) => `${id} ${counted(id, "é", 20)}\n`,
  huge: (id) => `${id} ${counted(id, "€", 150)}\n`,
  binary: (id) => Buffer.concat([Buffer.from(id), BINARY]),
  blank: (id) => (id < "5" ? "\n" : "\r\n"),
  crlf: (id) => `${id} crlf\r\n`,
  same: () => "the same line again and again\n",
  poison: (id) => `${id} ${POISON}\n`,
  json: (id) => `{"n":"${id}","message":"json ${id}","level":"info"}\n`,
};

/** `c.log` is a link to the file that is written now. */
export const STREAMS = ["a.log", "b.log", "c.log"] as const;
export type Stream = (typeof STREAMS)[number];

export const ROTATIONS = ["shift", "dateext", "copytruncate", "renameDelete"] as const;
export type Rotation = (typeof ROTATIONS)[number];

/** Generations that the numbered shift keeps. */
const KEEP = 3;

/** A file that has not grown for so long may be let go at any moment. */
const LATE_MS = 1_500;

interface Writer {
  readonly generation: Generation;
  readonly fd: number;
}

export interface ApplicationOptions {
  /** No two lines are equal: whoever gets one without its offset can tell where it stands. */
  readonly isDistinct: boolean;
}

/** Something that may come between two steps of a rotation. */
export type Pause = () => Promise<void>;

/** The application with its rotator: writes real files and tells the oracle what it did. */
export class Application {
  readonly #directory: string;
  readonly #oracle: Oracle;
  readonly #now: () => number;
  readonly #isDistinct: boolean;
  readonly #writers = new Map<Stream, Writer>();
  /** Writers that still hold the file that was rotated last. */
  readonly #late = new Map<Stream, Writer>();
  #lines = 0;
  #names = 0;

  constructor(directory: string, oracle: Oracle, now: () => number, { isDistinct }: ApplicationOptions) {
    this.#isDistinct = isDistinct;
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
    if (writer === undefined) return;
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
    if (writer === undefined) return;
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
    if (oldest?.name === undefined) return;
    rmSync(this.#path(oldest.name));
    this.#oracle.unlink(oldest);
  }

  /** Empties the live file in its place, and perhaps writes it anew at once. */
  truncate(stream: Stream, lines: readonly LineKind[]): void {
    const writer = this.#writers.get(stream);
    if (writer === undefined) return;
    truncateSync(this.#path(stream), 0);
    this.#oracle.lose(writer.generation, 0);
    writer.generation.name = undefined;
    this.#begin(stream, writer.fd, true);
    if (lines.length > 0) this.write(stream, lines, false);
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
    const lines: readonly LineKind[] = generation.isInPlace && generation.size === 0 ? ["short", ...kinds] : kinds;
    const bytes = Buffer.concat(lines.map((kind) => this.#line(kind)));
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
    const content = CONTENTS[this.#isDistinct && kind === "same" ? "short" : kind](id);
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
    const at = (n: number) => this.#oracle.generations.find(({ name }) => name === this.#numbered(stream, n));
    const oldest = at(KEEP);
    if (oldest !== undefined) {
      rmSync(this.#path(this.#numbered(stream, KEEP)));
      this.#oracle.unlink(oldest);
    }
    for (let n = KEEP - 1; n >= 1; n -= 1) {
      const generation = at(n);
      if (generation === undefined) continue;
      renameSync(this.#path(this.#numbered(stream, n)), this.#path(this.#numbered(stream, n + 1)));
      this.#oracle.rename(generation, this.#numbered(stream, n + 1), this.#now());
      await pause();
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
    truncateSync(this.#path(stream), 0);
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
