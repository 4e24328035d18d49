import type { ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { toFields } from "../well-known.ts";
import type { ReadFormat } from "./format.ts";

export interface CsvOptions {
  readonly columns: readonly string[];
  /** One character. */
  readonly delimiter: string;
}

/**
 * Values with a delimiter between them, under the names of their columns; a quoted one may hold delimiters, and quotes
 * twice. A line with another number of values is none. Source: RFC 4180.
 */
export function createCsv({ columns, delimiter }: CsvOptions): ReadFormat {
  return (body: string, context: TimeContext): ParsedFields | undefined => {
    const values = split(body, delimiter, columns.length);
    if (values?.length !== columns.length) return undefined;
    return toFields(Object.fromEntries(columns.map((name, index) => [name, values[index] ?? ""])), context);
  };
}

/** Undefined if a quote is not closed, or if there are more values than `max`. */
function split(text: string, delimiter: string, max: number): readonly string[] | undefined {
  const values: string[] = [];
  for (let at = 0; at <= text.length;) {
    if (values.length === max) return undefined;
    const end = text.charCodeAt(at) === 0x22 ? endOfQuoted(text, at) : endOfPlain(text, at, delimiter);
    if (end === -1 || (end < text.length && !text.startsWith(delimiter, end))) return undefined;
    const value = text.slice(at, end);
    values.push(text.charCodeAt(at) === 0x22 ? value.slice(1, -1).replaceAll('""', '"') : value);
    at = end + 1;
  }
  return values;
}

function endOfPlain(text: string, at: number, delimiter: string): number {
  const end = text.indexOf(delimiter, at);
  return end === -1 ? text.length : end;
}

/** Where the quoted value that begins at `start` ends; -1 if its quote is not closed. */
function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; ; at += 2) {
    at = text.indexOf('"', at);
    if (at === -1) return -1;
    if (text.charCodeAt(at + 1) !== 0x22) return at + 1;
  }
}
