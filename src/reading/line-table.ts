import type { SplitMark } from "../core/record.ts";
import type { Encoding } from "./encoding.ts";
import type { JoinableLines } from "./joining.ts";
import type { JoinRule } from "./plan.ts";
import { isTrigger, REACH } from "./triggers.ts";

export interface LineTableOptions extends Pick<JoinRule, "maxText" | "anyLine" | "start" | "waits"> {
  readonly encoding: Encoding;
  readonly isAscii: boolean;
  readonly maxRecordBytes: number;
  readonly continued: boolean;
  readonly final: boolean;
}

/** The lines of a piece of a file, blank ones too, by where they stand in its bytes. */
export class LineTable implements JoinableLines {
  readonly starts: number[] = [];
  readonly contentEnds: number[] = [];
  readonly ends: number[] = [];
  readonly splits: (SplitMark | undefined)[] = [];
  /** The offset after the last byte that is decided to be of a line. */
  readonly decided: number;
  readonly #bytes: Buffer;
  readonly #options: LineTableOptions;
  /** The texts that were asked for: a rule looks at a line more than once. */
  readonly #texts: string[] = [];
  /** For each line, the next one at or after it that a trace may have. */
  readonly #nextTrigger: Uint32Array | undefined;

  constructor(bytes: Buffer, options: LineTableOptions) {
    this.#bytes = bytes;
    this.#options = options;
    this.decided = options.encoding.frame(bytes, { ...options, blanks: true }, (start, contentEnd, end, split) => {
      this.starts.push(start);
      this.contentEnds.push(contentEnd);
      this.ends.push(end);
      this.splits.push(split);
    });
    this.#nextTrigger = options.anyLine || options.encoding.unit > 1 ? undefined : this.#triggers();
  }

  get count(): number {
    return this.starts.length;
  }

  text(index: number): string {
    return (this.#texts[index] ??= this.#decode(index));
  }

  #decode(index: number): string {
    const start = this.starts[index] ?? 0;
    const contentEnd = this.contentEnds[index] ?? 0;
    const { encoding, isAscii, maxText } = this.#options;
    if (isAscii) return this.#bytes.toString("latin1", start, Math.min(contentEnd, start + maxText));
    // A character takes at most 4 bytes.
    return encoding.decode(this.#bytes.subarray(start, Math.min(contentEnd, start + 4 * maxText)));
  }

  bytes(index: number): number {
    return (this.ends[index] ?? 0) - (this.starts[index] ?? 0);
  }

  isBlank(index: number): boolean {
    return this.contentEnds[index] === this.starts[index];
  }

  isPiece(index: number): boolean {
    return this.splits[index] !== undefined;
  }

  mayBegin(index: number): boolean {
    if (this.#options.start !== undefined && this.#isStart(index)) {
      if (index + 1 === this.count) return this.#options.waits(this.text(index));
      return !this.#isStart(index + 1);
    }
    const next = this.#nextTrigger?.[index];
    return next === undefined || next <= index + REACH || index + REACH >= this.count;
  }

  #isStart(index: number): boolean {
    const { encoding, start } = this.#options;
    if (start === undefined) return false;
    return encoding.unit === 1 ? start.begins(this.#bytes, this.starts[index] ?? 0) : start.test(this.text(index));
  }

  #triggers(): Uint32Array {
    const next = new Uint32Array(this.count);
    let latest = 0xffff_ffff;
    for (let index = this.count - 1; index >= 0; index -= 1) {
      if (isTrigger(this.#bytes, this.starts[index] ?? 0)) latest = index;
      next[index] = latest;
    }
    return next;
  }
}
