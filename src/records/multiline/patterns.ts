import type { Pattern } from "../../core/pattern.ts";
import type { Extent, Lines } from "./lines.ts";

/** Own patterns, on the text of a line. Which go together, the configuration's schema says. */
export interface JoinPatterns {
  /** A line that matches begins a record. */
  readonly start?: Pattern | undefined;
  /** A line that matches belongs to the one before. */
  readonly continue?: Pattern | undefined;
  /** A line that matches ends its record. */
  readonly end?: Pattern | undefined;
  /** A line that matches goes on in the next one. */
  readonly continued?: Pattern | undefined;
}

export function byPatterns({ start, continue: next, end, continued }: JoinPatterns): Extent {
  if (start !== undefined && end !== undefined) return fromStartToEnd(start, end);
  if (start !== undefined && next !== undefined)
    return (lines, from) => (start.test(textOf(lines, from)) ? whileNext(lines, from, (text) => next.test(text)) : 1);
  if (start !== undefined) return (lines, from) => whileNext(lines, from, (text) => !start.test(text));
  if (next !== undefined) return (lines, from) => whileNext(lines, from, (text) => next.test(text));
  if (end !== undefined) return (lines, from) => whileOpen(lines, from, (text) => !end.test(text));
  if (continued !== undefined) return (lines, from) => whileOpen(lines, from, (text) => continued.test(text));
  throw new Error("no pattern to join by");
}

const textOf = (lines: Lines, index: number): string => lines.text(index) ?? "";

/** How many lines go together: as long as the next one belongs to the one before it. */
function whileNext(lines: Lines, from: number, belongs: (text: string) => boolean): number {
  for (let next = from + 1; ; next += 1) {
    const text = lines.text(next);
    if (text === undefined || !belongs(text)) return next - from;
  }
}

/** How many lines go together: as long as a line says that it goes on. Of the next one nothing need be known. */
function whileOpen(lines: Lines, from: number, goesOn: (text: string) => boolean): number {
  for (let last = from; ; last += 1) {
    const text = lines.text(last);
    if (text === undefined) return last - from;
    if (!goesOn(text)) return last + 1 - from;
  }
}

/** From a line that matches `start` to one that matches `end`; if another `start` comes first, up to that. */
function fromStartToEnd(start: Pattern, end: Pattern): Extent {
  return (lines, from) => {
    const first = textOf(lines, from);
    if (!start.test(first) || end.test(first)) return 1;
    for (let next = from + 1; ; next += 1) {
      const text = lines.text(next);
      if (text === undefined || start.test(text)) return next - from;
      if (end.test(text)) return next + 1 - from;
    }
  };
}
