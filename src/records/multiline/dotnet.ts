import { CAUSE, framesOf, isErrorLine } from "./frames.ts";
import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { AT_FRAME, isBlank } from "./shapes.ts";

const INNER = /^\s*---> |^\s*--- End of (?:inner exception stack trace|stack trace from previous location)/;
/** An `AggregateException` shows each of its inner ones below a blank line. */
const NUMBERED = /^\s*---> \(Inner Exception #\d+\) /;
const PREVIOUS = /^\s*--- End of stack trace from previous location/;
/** Mono has the error on the next line. */
const UNHANDLED = /^Unhandled Exception:$/;
/** The first line of a record of the console logger of ASP.NET Core; what belongs to it is indented by six spaces. */
const CONSOLE_HEAD = /^(?:trce|dbug|info|warn|fail|crit): \S+\[\d+\]$/;

/** `Exception.ToString()`, unhandled exceptions, and the records of ASP.NET Core's console logger. */
export const dotnet: Extent = (lines, from) => {
  if (matches(lines, from, CONSOLE_HEAD)) return skip(lines, from + 1, /^ {6}/) - from;
  const header = matches(lines, from, UNHANDLED) ? from + 1 : from;
  if (!isErrorLine(lines, header) || matches(lines, header, CAUSE)) return 1;
  const hasInner = matches(lines, header + 1, INNER);
  const frames = hasInner ? header + 1 : framesOf(lines, header);
  return frames === undefined ? 1 : afterFrames(lines, frames) - from;
};

function afterFrames(lines: Lines, frames: number): number {
  let next = frames;
  for (;;) {
    if (matches(lines, next, AT_FRAME) || matches(lines, next, INNER)) next += 1;
    else if (!isBlank(lines, next)) return next;
    else if (matches(lines, next + 1, NUMBERED)) next += 2;
    // Mono puts a blank line between the place that rethrew and the frames above it.
    else if (matches(lines, next - 1, PREVIOUS) && matches(lines, next + 1, AT_FRAME)) next += 2;
    else return next;
  }
}
