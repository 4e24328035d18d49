import type { SplitMark } from "../core/record.ts";
import type { Encoding } from "./encoding.ts";
import type { JoinableLines } from "./joining.ts";
import { isTrigger, REACH } from "./triggers.ts";

export interface LineTableOptions {
  readonly encoding: Encoding;
  /** How much of a line's text is needed at most, UTF-16 units. */
  readonly maxText: number;
  /** Whether any line may begin a record of several. */
  readonly anyLine: boolean;
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
    const start = this.starts[index] ?? 0;
    const { encoding, maxText } = this.#options;
    // A character takes at most 4 bytes.
    const end = Math.min(this.contentEnds[index] ?? 0, start + 4 * maxText);
    return encoding.decode(this.#bytes.subarray(start, end));
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
    const next = this.#nextTrigger?.[index];
    return next === undefined || next <= index + REACH || index + REACH >= this.count;
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
