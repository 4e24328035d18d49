import { parseObject, parseObjectExactly } from "../../core/json-object.ts";
import type { ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { findKnown } from "../well-known.ts";

/** Nanoseconds since the epoch as a number: more digits than a double holds. */
const NANOSECONDS = /\d{19}/;

/** A JSON object a line. The object is not kept: sinks ship its text as it stands. */
export function readJson(body: string, context: TimeContext): ParsedFields | undefined {
  const object = parseObject(body);
  if (object === undefined) return undefined;
  const { message, timestamp, severity } = findKnown(object, context);
  const isRounded = timestamp !== undefined && timestamp.nanos % 1_000 !== 0 && NANOSECONDS.test(body);
  const exact = isRounded ? parseObjectExactly(body) : undefined;
  return {
    message,
    timestamp: exact === undefined ? timestamp : findKnown(exact, context).timestamp,
    severity,
    isObject: true,
  };
}
