import type { BufferPool } from "../../core/buffer-pool.ts";
import type { LogRecord } from "../../core/record.ts";
import type { BodyWriter, Sink } from "../../core/sink.ts";
import type { TextPage } from "../../core/text-page.ts";
import { createEscaper, type Escaper, HEAD, SOURCE, TAIL, TARGET } from "./escaper.ts";

/** What the escaper wrote is moved on when it is this much, bytes. */
const FLUSH_BYTES = 64 * 1_024;

/** A text of the sink's own of more UTF-16 units goes past the escaper's memory. */
const LONG_TEXT = 16_384;

/** Where a text that comes again and again stands in the escaper's memory. */
interface Slot {
  readonly at: number;
  readonly maxBytes: number;
  text: string;
  length: number;
}

/**
 * Makes the bytes of a request's body. What comes from the log goes from the bytes of the file to the bytes of the body,
 * without a string for each line between. One encoder serves all sinks: encoding is synchronous.
 */
export class BodyEncoder implements BodyWriter {
  readonly #pool: BufferPool;
  readonly #escaper: Escaper;
  readonly #head: Slot = { at: HEAD.at, maxBytes: HEAD.length, text: "", length: 0 };
  readonly #tail: Slot = { at: TAIL.at, maxBytes: TAIL.length, text: "", length: 0 };
  /** The part of a page that is in the escaper's memory. */
  #page: TextPage | undefined;
  #pageStart = 0;
  #pageEnd = 0;
  #target: number = TARGET.at;
  #body: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(pool: BufferPool, escaper: Escaper = createEscaper()) {
    this.#pool = pool;
    this.#escaper = escaper;
  }

  /** The body for these records, in a buffer of the pool. `expectedBytes` is a guess that spares making it larger. */
  encode(sink: Pick<Sink, "encode">, records: readonly LogRecord[], expectedBytes = FLUSH_BYTES): Buffer {
    this.#body = this.#pool.take(Math.ceil(expectedBytes));
    this.#length = 0;
    this.#target = TARGET.at;
    sink.encode(records, this);
    this.#flush();
    const body = this.#body.subarray(0, this.#length);
    this.#body = Buffer.alloc(0);
    this.#page = undefined;
    return body;
  }

  /** The size of a body for this record alone, bytes. */
  measure(sink: Pick<Sink, "encode">, record: LogRecord): number {
    const body = this.encode(sink, [record]);
    this.#pool.give(body);
    return body.length;
  }

  text(text: string): void {
    if (text.length > LONG_TEXT) return this.#long(Buffer.from(text));
    // Each UTF-16 unit takes at most 3 bytes.
    this.#target += this.#escaper.memory.write(text, this.#target);
    if (this.#target - TARGET.at >= FLUSH_BYTES) this.#flush();
  }

  quoted(head: string, record: LogRecord, tail: string): void {
    this.#record(head, record, tail, true);
  }

  verbatim(head: string, record: LogRecord, tail: string): void {
    this.#record(head, record, tail, false);
  }

  #record(head: string, record: LogRecord, tail: string, isQuoted: boolean): void {
    const { page, textLength: length } = record;
    const fits = length <= SOURCE.length && this.#place(this.#head, head) && this.#place(this.#tail, tail);
    if (page === undefined || !fits) return this.#pieces(head, record, tail, isQuoted);
    const start = record.offset - page.base;
    if (page !== this.#page || start < this.#pageStart || start + length > this.#pageEnd) this.#load(page, start);
    const write = isQuoted ? this.#escaper.quoted : this.#escaper.verbatim;
    const source = SOURCE.at + start - this.#pageStart;
    this.#target = write(HEAD.at, this.#head.length, source, length, TAIL.at, this.#tail.length, this.#target);
    if (this.#target - TARGET.at >= FLUSH_BYTES) this.#flush();
  }

  /** Texts of its own, and all that is too long to be done at once. */
  #pieces(head: string, record: LogRecord, tail: string, isQuoted: boolean): void {
    this.text(head);
    if (record.page !== undefined && isQuoted) this.#escapePage(record.page, record);
    else this.text(isQuoted ? JSON.stringify(record.body) : record.body);
    this.text(tail);
  }

  #escapePage(page: TextPage, { offset, textLength }: LogRecord): void {
    this.text('"');
    const end = offset - page.base + textLength;
    for (let start = offset - page.base; start < end; start += SOURCE.length) {
      this.#load(page, start);
      const length = Math.min(SOURCE.length, end - start);
      this.#target = this.#escaper.escape(SOURCE.at, length, this.#target);
      this.#flush();
    }
    this.text('"');
  }

  /** Brings a text into its slot. Most often it is there already: the same object as the time before. */
  #place(slot: Slot, text: string): boolean {
    if (text === slot.text) return true;
    if (text.length * 3 > slot.maxBytes) return false;
    slot.length = this.#escaper.memory.write(text, slot.at);
    slot.text = text;
    return true;
  }

  /** Copies as much of the page as there is room for, from `start` on. */
  #load(page: TextPage, start: number): void {
    page.assertHeld();
    this.#page = page;
    this.#pageStart = start;
    this.#pageEnd = Math.min(start + SOURCE.length, page.bytes.length);
    page.bytes.copy(this.#escaper.memory, SOURCE.at, start, this.#pageEnd);
  }

  #flush(): void {
    const length = this.#target - TARGET.at;
    this.#reserve(length);
    this.#escaper.memory.copy(this.#body, this.#length, TARGET.at, this.#target);
    this.#length += length;
    this.#target = TARGET.at;
  }

  #long(bytes: Buffer): void {
    this.#flush();
    this.#reserve(bytes.length);
    bytes.copy(this.#body, this.#length);
    this.#length += bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#body.length) return;
    const larger = this.#pool.take(Math.max(this.#length + bytes, Math.ceil(1.5 * this.#body.length)));
    this.#body.copy(larger, 0, 0, this.#length);
    this.#pool.give(this.#body);
    this.#body = larger;
  }
}
