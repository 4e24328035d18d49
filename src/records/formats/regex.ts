import { compilePattern } from "../../core/pattern.ts";
import type { ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { toFields } from "../well-known.ts";
import { withoutAbsent } from "./object.ts";
import type { ReadFormat } from "./format.ts";

/** The named groups of a pattern in RE2 syntax, which is matched in linear time. Throws if it is none. */
export function createRegex(source: string): ReadFormat {
  // In a record of several lines `.*` goes on to its end: otherwise the message of a trace were its first line.
  const pattern = compilePattern(`(?s)${source}`);
  return (body: string, context: TimeContext): ParsedFields | undefined => {
    const groups = pattern.match(body);
    return groups === undefined ? undefined : toFields(withoutAbsent(groups), context);
  };
}
