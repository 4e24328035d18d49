/** A line as it stands in a file: where it begins, where its text ends, where the next one begins. */
export interface Line {
  readonly from: number;
  readonly textEnd: number;
  readonly end: number;
  /** No record: it is blank, or dropped. */
  readonly isFiltered: boolean;
  readonly isTerminated: boolean;
}

/**
 * How long the agent may take to see a change and to make durable that it saw it: it looks for files every 5 s, at what
 * grew lately every second, and checkpoints every second. What has been idle for a minute is looked at every 30 s.
 */
export const SURE_MS = 7_500;
const SURE_OF_IDLE_MS = 32_500;
const IDLE_MS = 50_000;

/** A rotated file that has not grown for so long may be let go at any moment. */
export const LATE_MS = 1_500;

/** How lines become records. */
export interface ReadingRules {
  /** Lines that begin with white space belong to the one before. */
  readonly joins: boolean;
  /** Lines with this text are dropped. */
  readonly dropped?: string | undefined;
}

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
  /** Older ones of the stream that the agent surely knew when this one began, and how long they were then. */
  predecessors: readonly { readonly older: Generation; readonly size: number }[] = [];
  /** The agent surely has it open. */
  isHeld = false;
  /** When it got something after it may have been let go: until that is noticed, nobody has it open. */
  lateMs = Number.NEGATIVE_INFINITY;
  /** The agent surely knew of it, durably. */
  isKnown = false;
  /** When the agent came to know it, its live path was there: so it is one in a row. */
  isLinked = false;
  /** Its bytes were copied, and what was read of it before proves nothing about the copy. */
  isCopy = false;
  /** It began when the file of the one before was emptied. */
  isInPlace = false;
  /** Some of what was delivered of it was not durable when an agent ended. */
  mayBeForgotten = false;
  /** A size that the agent surely knew of, durably. */
  seen = 0;
  /** Since when it may be opened by all, or undefined while nobody may open it. */
  readableMs: number | undefined = Number.NEGATIVE_INFINITY;
  readonly #rules: ReadingRules;
  #lines: readonly Line[] = [];
  #linesOf = 0;

  constructor(id: number, stream: string, name: string, nowMs: number, rules: ReadingRules) {
    this.#rules = rules;
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
    const isRotated = this.name !== this.stream;
    if (isRotated && nowMs - Math.max(this.grownMs, this.namedMs) > LATE_MS) {
      this.lateMs = nowMs;
      this.isHeld = false;
    }
    this.bytes = Buffer.concat([this.bytes, bytes]);
    const isIdle = nowMs - this.grownMs > IDLE_MS;
    this.#sizes.push({ atMs: nowMs, sureMs: nowMs + (isIdle ? SURE_OF_IDLE_MS : SURE_MS), size: this.size });
  }

  /** Whether whoever tries from `sinceMs` on can open it. */
  isReadable(sinceMs: number): boolean {
    return this.readableMs !== undefined && this.readableMs <= sinceMs;
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
      this.#lines = [...linesOf(this.bytes, this.#rules)];
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
    const line = lineAt(this.bytes, offset, this.#rules);
    if (line.isFiltered) return undefined;
    if (this.#rules.joins && (split === undefined || split === "first")) {
      const end = this.#matchJoined(line, body, split);
      if (end !== undefined) return end;
    }
    const isRest = split === undefined ? !this.#rules.joins : split === "last";
    if (isRest && this.#text(line) === body) return line.end;
    // A piece of a line that was cut; or what stood there when the file ended, in the middle of a line perhaps.
    const isPiece = split === "first" || split === "middle";
    const ends = isPiece ? pieceEnds(offset, body) : this.#sizes.map(({ size }) => size);
    return ends.find(
      (end) =>
        end > offset &&
        (end <= line.textEnd || this.#rules.joins) &&
        end - offset <= Buffer.byteLength(body) &&
        this.bytes.toString("utf8", offset, end) === body,
    );
  }

  /** Where whole lines end that are the record `body`: those that belong to the first one, or were there when it was over. */
  #matchJoined(first: Line, body: string, split: string | undefined): number | undefined {
    let text = this.#text(first);
    let line = first;
    for (;;) {
      const next = this.#continuationOf(line);
      const isOver = next?.isTerminated !== true || split === "first" || this.#endedWithin(line.end, next.end);
      if (text === body && isOver) return line.end;
      if (next === undefined || text.length > body.length) return undefined;
      text += `\n${this.#text(next)}`;
      line = next;
    }
  }

  #continuationOf({ end, isTerminated }: Line): Line | undefined {
    const first = this.bytes[end];
    if (!isTerminated || (first !== 0x20 && first !== 0x09)) return undefined;
    return lineAt(this.bytes, end, this.#rules);
  }

  #text({ from, textEnd }: Line): string {
    return this.bytes.toString("utf8", from, textEnd);
  }

  /** Whether it once ended somewhere from `from` on, before `to`. */
  #endedWithin(from: number, to: number): boolean {
    return this.#sizes.some(({ size }) => size >= from && size < to);
  }
}

/** Where a piece of a line may end. Each U+FFFD in it stands for one to three bytes that are no UTF-8, or for its own three. */
function pieceEnds(offset: number, body: string): readonly number[] {
  const longest = offset + Buffer.byteLength(body);
  const replaced = body.split("\uFFFD").length - 1;
  return Array.from({ length: 2 * replaced + 1 }, (_, fewer) => longest - fewer);
}

function* occurrences(bytes: Buffer, part: Buffer): Generator<number> {
  if (part.length === 0) return;
  for (let at = bytes.indexOf(part); at !== -1; at = bytes.indexOf(part, at + 1)) yield at;
}

function lineAt(bytes: Buffer, from: number, { dropped }: ReadingRules): Line {
  const newline = bytes.indexOf(LF, from);
  const isTerminated = newline !== -1;
  const lineEnd = isTerminated ? newline : bytes.length;
  const textEnd = isTerminated && lineEnd > from && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
  const end = isTerminated ? newline + 1 : bytes.length;
  const isFiltered = textEnd === from || (dropped !== undefined && bytes.subarray(from, textEnd).includes(dropped));
  return { from, textEnd, end, isFiltered, isTerminated };
}

function* linesOf(bytes: Buffer, rules: ReadingRules): Generator<Line> {
  for (let from = 0; from < bytes.length;) {
    const line = lineAt(bytes, from, rules);
    yield line;
    from = line.end;
  }
}
