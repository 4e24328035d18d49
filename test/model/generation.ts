/** A line as it stands in a file: where it begins, where its text ends, where the next one begins. */
export interface Line {
  readonly from: number;
  readonly textEnd: number;
  readonly end: number;
  readonly isBlank: boolean;
  readonly isTerminated: boolean;
}

/**
 * How long the agent may take to see a change and to make durable that it saw it: it looks for files every 5 s, at what
 * grew lately every second, and checkpoints every second. What has been idle for a minute is looked at every 30 s.
 */
export const SURE_MS = 7_500;
const SURE_OF_IDLE_MS = 32_500;
const IDLE_MS = 50_000;

const LF = 0x0a;
const CR = 0x0d;

/**
 * What the application wrote from one beginning of a log to the next: a rotation ends it, and so does a truncation,
 * whatever files the bytes are in. Only appended to.
 */
export class Generation {
  readonly id: number;
  readonly stream: string;
  readonly createdMs: number;
  bytes: Buffer = Buffer.alloc(0);
  /** Its sizes, each with the time from which on it had that one, and from which on whoever looks has surely seen it. */
  readonly #sizes: { readonly atMs: number; readonly sureMs: number; readonly size: number }[] = [];
  /** The name that leads to the bytes; undefined once they are unlinked. */
  name: string | undefined;
  namedMs: number;
  /** The bytes from here on can't be read any more by anybody who has not read them. */
  lostFrom = Number.POSITIVE_INFINITY;
  /** Older ones of the stream that the agent surely knew when this one began. */
  predecessors: readonly Generation[] = [];
  /** The agent surely has it open. */
  isHeld = false;
  /** The agent surely knew of it, durably. */
  isKnown = false;
  /** Its bytes were copied, and what was read of it before proves nothing about the copy. */
  isCopy = false;
  /** It began when the file of the one before was emptied. */
  isInPlace = false;
  /** Some of what was delivered of it was not durable when an agent ended. */
  mayBeForgotten = false;
  /** A size that the agent surely knew of, durably. */
  seen = 0;
  #lines: readonly Line[] = [];
  #linesOf = 0;

  constructor(id: number, stream: string, name: string, nowMs: number) {
    this.id = id;
    this.stream = stream;
    this.name = name;
    this.createdMs = nowMs;
    this.namedMs = nowMs;
  }

  get size(): number {
    return this.bytes.length;
  }

  append(bytes: Buffer, nowMs: number): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    const isIdle = nowMs - this.grownMs > IDLE_MS;
    this.#sizes.push({ atMs: nowMs, sureMs: nowMs + (isIdle ? SURE_OF_IDLE_MS : SURE_MS), size: this.size });
  }

  sizeAt(atMs: number): number {
    return this.#sizes.findLast((entry) => entry.atMs <= atMs)?.size ?? 0;
  }

  /** What it surely was seen to have by then. */
  sureSizeAt(nowMs: number): number {
    return this.#sizes.findLast(({ sureMs }) => sureMs <= nowMs)?.size ?? 0;
  }

  get grownMs(): number {
    return this.#sizes.at(-1)?.atMs ?? this.createdMs;
  }

  /** Whether it once ended there. */
  endedAt(offset: number): boolean {
    return this.#sizes.some(({ size }) => size === offset);
  }

  get lines(): readonly Line[] {
    if (this.#linesOf !== this.size) {
      this.#lines = [...linesOf(this.bytes)];
      this.#linesOf = this.size;
    }
    return this.#lines;
  }

  /** Where a record `body` may stand that is told without its offset. */
  offsetsOf(body: string, split: string | undefined): readonly number[] {
    const begins = split === undefined || split === "first";
    const atLines = begins ? this.lines.map(({ from }) => from) : [];
    const found = atLines.filter((offset) => this.match(offset, body, split) !== undefined);
    return found.length > 0 ? found : [...occurrences(this.bytes, Buffer.from(body))];
  }

  /** Where the record `body` at `offset` ends, or undefined if no such record stands there. */
  match(offset: number, body: string, split: string | undefined): number | undefined {
    if (offset >= this.size || body === "") return undefined;
    const line = lineAt(this.bytes, offset);
    const isRest = split === undefined || split === "last";
    if (isRest && this.bytes.toString("utf8", offset, line.textEnd) === body) return line.end;
    // The beginning of a line: a part of it that was cut off, or what stood there when the file ended in the middle of it.
    const end = offset + Buffer.byteLength(body);
    if (end > line.textEnd || this.bytes.toString("utf8", offset, end) !== body) return undefined;
    return split === "first" || split === "middle" || this.endedAt(end) ? end : undefined;
  }
}

function* occurrences(bytes: Buffer, part: Buffer): Generator<number> {
  if (part.length === 0) return;
  for (let at = bytes.indexOf(part); at !== -1; at = bytes.indexOf(part, at + 1)) yield at;
}

function lineAt(bytes: Buffer, from: number): Line {
  const newline = bytes.indexOf(LF, from);
  const isTerminated = newline !== -1;
  const lineEnd = isTerminated ? newline : bytes.length;
  const textEnd = isTerminated && lineEnd > from && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
  const end = isTerminated ? newline + 1 : bytes.length;
  return { from, textEnd, end, isBlank: textEnd === from, isTerminated };
}

function* linesOf(bytes: Buffer): Generator<Line> {
  for (let from = 0; from < bytes.length;) {
    const line = lineAt(bytes, from);
    yield line;
    from = line.end;
  }
}
