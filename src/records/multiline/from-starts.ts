import type { Extent } from "./lines.ts";
import type { RecordStart } from "./record-starts.ts";
import { isQuiet, standsAlone } from "./shapes.ts";

/**
 * Joins what stands below a record's start to it, in a file whose records all begin in one way, until the next record
 * begins or the lines end. If what follows is a record of another kind, or there are two traces, nothing says what
 * belongs to what, nor where a trace stands below a line that tells of no fault: then only traces are joined, each by itself. With `onlyTraces` that goes for text, too, unless it
 * stands between a trace and the next record: for a file of which too little is known.
 */
export function fromStarts(start: RecordStart, traces: Extent, onlyTraces: boolean): Extent {
  return (lines, from) => {
    const own = traces(lines, from);
    const first = lines.text(from);
    if (first === undefined || !start.test(first)) return own;
    let hasTrace = own > 1;
    let hasText = false;
    let next = from + own;
    const second = lines.text(next);
    const hasSecond = second !== undefined && start.isSecond(second);
    if (hasSecond) next += 1;
    const isOfNoFault = isQuiet(hasSecond ? second : first);
    for (;;) {
      const text = lines.text(next);
      if (text === undefined) return hasText && onlyTraces ? own : next - from;
      if (start.test(text)) return next - from;
      if (standsAlone(text)) return own;
      const isIndented = text === "" || text.charCodeAt(0) === SPACE || text.charCodeAt(0) === TAB;
      const count = isIndented ? 1 : traces(lines, next);
      if (count > 1 && (hasTrace || isOfNoFault)) return own;
      hasTrace ||= count > 1;
      hasText ||= count === 1 && !isIndented;
      // Below a trace stand further lines of its message.
      if (hasText && onlyTraces && !hasTrace) return own;
      next += count;
    }
  };
}

const SPACE = 0x20;
const TAB = 0x09;
