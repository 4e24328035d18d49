import type { TextPage } from "./text-page.ts";

/** A point in time with nanosecond precision, cheap to make: two small numbers instead of a bigint. */
export interface Timestamp {
  /** Milliseconds since the Unix epoch, an integer. */
  readonly epochMs: number;
  /** Nanoseconds within that millisecond, 0 to 999,999. */
  readonly nanos: number;
}

/**
 * Severity on the OpenTelemetry scale: 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal.
 * Source: OpenTelemetry logs data model, "Field: SeverityNumber".
 */
export interface Severity {
  readonly number: number;
  /** The word or number as the application wrote it. */
  readonly text: string;
}

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export type JsonObject = { [key: string]: JsonValue };

/** What a format found in a record's text. Absent fields were not there or could not be trusted. */
export interface ParsedFields {
  /** The text a person reads, where that is not the whole body: the field `message` or `msg` of a JSON line. */
  readonly message?: string | undefined;
  readonly timestamp?: Timestamp | undefined;
  readonly severity?: Severity | undefined;
  /**
   * Whether the whole body was validated as one non-empty JSON object, so that it may enter a JSON text as it stands.
   * The object itself is not kept: it takes several times the memory of its text, and few sinks ask for it.
   */
  readonly isObject?: boolean;
  /**
   * What the format found besides message, timestamp and severity, in a body that is no JSON object. For one that is,
   * `attributesOf` in `core/attributes` makes them from the body.
   */
  readonly attributes?: JsonObject | undefined;
  /** The format that the source names, if the body is not of it. The record is shipped as it stands, and marked. */
  readonly unparsed?: string | undefined;
  /** Which part of a record this is that was over a sink's limit once it was encoded. */
  readonly part?: RecordPart | undefined;
}

export interface RecordPart {
  /** Counts from 1. */
  readonly part: number;
  readonly parts: number;
  /** The whole text in UTF-8, bytes. */
  readonly originalBytes: number;
}

/** Nothing was found. One object for all records: with nothing to tell there is nothing to allocate. */
export const NO_FIELDS: ParsedFields = Object.freeze({});

/** Turns a record's text into fields. Pure and total: it never throws, whatever the text. */
export type Parse = (body: string) => ParsedFields;

/** Where a record comes from. One object shared by all records of a file. */
export interface RecordOrigin {
  /** Name of the source in the configuration. */
  readonly source: string;
  /** The path the file was discovered under; a later rotation does not change it. */
  readonly path: string;
}

/** Which piece of a line this is, when the line was longer than `maxRecordBytes` and had to be split. */
export type SplitMark = "first" | "middle" | "last";

/** What a record costs in memory beside its text, about, bytes. */
export const RECORD_OVERHEAD_BYTES = 112;

/**
 * One log record: a line, or several joined ones. Immutable, and shared by every sink that ships it.
 * Text and fields are lazy: a sink that forwards the bytes of a line pays for neither, and several sinks parse once.
 */
export class LogRecord {
  /** Offset in the file of the record's first byte. */
  readonly offset: number;
  /** Bytes the record takes in the file, its terminator included. */
  readonly length: number;
  readonly origin: RecordOrigin;
  readonly split: SplitMark | undefined;
  /** Where the text's bytes stand, unless the record has a text of its own. */
  readonly page: TextPage | undefined;
  /** Bytes of the text on the page; UTF-16 units of a text of its own. Escaped in JSON, each takes at most 6 bytes. */
  readonly textLength: number;
  readonly #text: string | undefined;
  readonly #parse: Parse | undefined;
  #fields: ParsedFields | undefined;

  /**
   * `text` is the record's own text; or the page where it stands at `offset`, in all of the `length` bytes but the last
   * `terminatorLength`. Without `parse` nothing is read out of the text.
   */
  constructor(
    text: string | TextPage,
    offset: number,
    length: number,
    origin: RecordOrigin,
    parse: Parse | undefined,
    split?: SplitMark,
    terminatorLength = 0,
  ) {
    const isText = typeof text === "string";
    this.offset = offset;
    this.length = length;
    this.origin = origin;
    this.split = split;
    this.page = isText ? undefined : text;
    this.textLength = isText ? text.length : length - terminatorLength;
    this.#text = isText ? text : undefined;
    this.#parse = parse;
    this.#fields = undefined;
  }

  /**
   * The text without its line terminator. Invalid bytes have become U+FFFD; offsets still count the bytes of the file.
   * Made anew by each call for a record on a page.
   */
  get body(): string {
    return this.#text ?? this.page?.text(this.offset, this.textLength) ?? "";
  }

  /** The first byte or UTF-16 unit of the text: for ASCII, and nothing else, they are the same. NaN if it is empty. */
  get first(): number {
    if (this.page === undefined) return this.body.charCodeAt(0);
    return this.textLength > 0 ? (this.page.bytes[this.offset - this.page.base] ?? Number.NaN) : Number.NaN;
  }

  /** The text a person reads: the line's own message if it has one, else the whole body. */
  get message(): string {
    return this.fields.message ?? this.body;
  }

  get fields(): ParsedFields {
    return (this.#fields ??= this.#parse === undefined ? NO_FIELDS : this.#parse(this.body));
  }

  /** The same record with another text; by default it is parsed as this one's. */
  withBody(body: string, parse: Parse | undefined = this.#parse): LogRecord {
    return new LogRecord(body, this.offset, this.length, this.origin, parse, this.split);
  }

  /** The same record with other fields. */
  withFields(fields: ParsedFields): LogRecord {
    const { length, offset, origin, page, split, textLength } = this;
    return new LogRecord(page ?? this.body, offset, length, origin, () => fields, split, length - textLength);
  }

  /** The same record as another piece of a longer one. */
  withSplit(split: SplitMark | undefined): LogRecord {
    const { length, offset, origin, page, textLength } = this;
    return new LogRecord(page ?? this.body, offset, length, origin, this.#parse, split, length - textLength);
  }

  /** How its text is parsed, if it is. */
  get parse(): Parse | undefined {
    return this.#parse;
  }
}
