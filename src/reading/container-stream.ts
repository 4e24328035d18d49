import { StringDecoder } from "node:string_decoder";
import type { SplitMark, Timestamp } from "../core/record.ts";
import type { JoinableLines } from "./joining.ts";
import { mayBeHeader } from "../records/multiline/shapes.ts";
import type { JoinRule } from "./plan.ts";

/** A line of the application, put together of its parts. Offsets are in the content that was read. */
export interface StreamLine {
  text: string;
  readonly start: number;
  end: number;
  /** Bytes that are its own: other streams may stand between its parts. */
  bytes: number;
  readonly timestamp: Timestamp | undefined;
  /** Set if it is a piece of a longer line. */
  split: SplitMark | undefined;
}

/** The lines of one stream of a container, as far as they were read. */
export class ContainerStream implements JoinableLines {
  readonly name: string | undefined;
  readonly lines: StreamLine[] = [];
  readonly #maxBytes: number;
  /** How its lines are joined; undefined if each is a record. */
  rule: JoinRule | undefined;
  /** A line of which the last part is not there yet. */
  #open: StreamLine | undefined;
  /** Holds the first bytes of a character that the runtime cut in two. */
  readonly #decoder = new StringDecoder("utf8");

  constructor(name: string | undefined, maxRecordBytes: number) {
    this.name = name;
    this.#maxBytes = maxRecordBytes;
  }

  /** Where the line begins whose last part is not there yet. */
  get openFrom(): number | undefined {
    return this.#open?.start;
  }

  get count(): number {
    return this.lines.length;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The text of a part in UTF-8, or of what follows one: runtimes cut at a number of bytes, whatever they mean. */
  decode(bytes: Buffer, isPart: boolean): string {
    return isPart ? this.#decoder.write(bytes) : this.#decoder.end(bytes);
  }

  add(line: StreamLine, isPart: boolean): void {
    const open = this.#open;
    if (open === undefined) this.#open = line;
    else if (open.bytes + line.bytes > this.#maxBytes) {
      // Over the limit: what there is becomes a piece, and the rest the next one.
      open.split = open.split === undefined ? "first" : "middle";
      this.lines.push(open);
      this.#open = { ...line, split: "last" };
    } else {
      open.text += line.text;
      open.end = line.end;
      open.bytes += line.bytes;
    }
    if (!isPart) this.close();
  }

  /** No further part is awaited. */
  close(): void {
    if (this.#open === undefined) return;
    this.#open.text += this.#decoder.end();
    this.lines.push(this.#open);
    this.#open = undefined;
  }

  text(index: number): string {
    const text = this.lines[index]?.text ?? "";
    const { maxText = 0 } = this.rule ?? {};
    return text.length > maxText ? text.slice(0, maxText) : text;
  }

  bytes(index: number): number {
    return this.lines[index]?.bytes ?? 0;
  }

  isBlank(index: number): boolean {
    return this.lines[index]?.text === "";
  }

  isPiece(index: number): boolean {
    return this.lines[index]?.split !== undefined;
  }

  mayBegin(index: number): boolean {
    const { anyLine = false, start, waits } = this.rule ?? {};
    if (anyLine) return true;
    const text = this.text(index);
    if (start?.test(text) !== true) return mayBeHeader(text);
    return index + 1 < this.count ? !start.test(this.text(index + 1)) : waits?.(text) === true;
  }
}
