import { z } from "zod";
import type { Refusal } from "../core/outcome.ts";
import { LogRecord, type ParsedFields } from "../core/record.ts";

/** Why a record can't be delivered. */
export interface Verdict extends Refusal {
  readonly reason: string;
}

/** A record on its way to the dead letters. */
export interface Condemned extends Verdict {
  readonly record: LogRecord;
  /** Number of the file's generation in this state directory. */
  readonly generation: number;
}

const fieldsSchema = z.looseObject({
  message: z.string().optional(),
  timestamp: z.object({ epochMs: z.int(), nanos: z.int() }).optional(),
  severity: z.object({ number: z.int(), text: z.string() }).optional(),
  isObject: z.boolean().optional(),
  attributes: z.record(z.string(), z.json()).optional(),
  unparsed: z.string().optional(),
  part: z.object({ part: z.int(), parts: z.int(), originalBytes: z.int() }).optional(),
});

/**
 * A dead letter: one JSON object a line. `record` is the text after the transforms and `fields` is what was found in it;
 * `file`, `generation`, `offset` and `length` (bytes, the line's end included) tell where it stood. A part of a longer
 * record has `split`, and only the first one a length. `response` is the beginning of what the receiver answered.
 */
const letterSchema = z.object({
  time: z.iso.datetime(),
  sink: z.string(),
  reason: z.string(),
  status: z.int().optional(),
  response: z.string().optional(),
  source: z.string(),
  file: z.string(),
  generation: z.int(),
  offset: z.int(),
  length: z.int(),
  split: z.enum(["first", "middle", "last"]).optional(),
  record: z.string(),
  fields: fieldsSchema,
});

export type DeadLetter = z.output<typeof letterSchema>;

/** Encodes a letter as one line with its line feed. */
export function encodeLetter({ record, generation, ...verdict }: Condemned, sink: string, nowMs: number): string {
  const { origin, offset, length, split, body, fields } = record;
  const letter = {
    time: new Date(nowMs).toISOString(),
    sink,
    reason: verdict.reason,
    status: verdict.status,
    response: verdict.response,
    source: origin.source,
    file: origin.path,
    generation,
    offset,
    length,
    split,
    record: body,
    fields,
  } satisfies Record<keyof DeadLetter, unknown>;
  return `${JSON.stringify(letter)}\n`;
}

/** Reads one line. Undefined if it is torn, damaged or no letter. */
export function decodeLetter(line: string): DeadLetter | undefined {
  try {
    return letterSchema.safeParse(JSON.parse(line)).data;
  } catch {
    // Not JSON: torn by a crash, or written by somebody else.
    return undefined;
  }
}

/** The record as the sink's encoder saw it. `isObject` is proved anew: only then may the text enter a body as it stands. */
export function recordOf({ record, offset, length, source, file, split, fields }: DeadLetter): LogRecord {
  const parsed: ParsedFields = { ...fields, isObject: fields.isObject === true && isObjectText(record) };
  return new LogRecord(record, offset, length, { source, path: file }, () => parsed, split);
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  } catch {
    // Somebody edited it.
    return false;
  }
}
