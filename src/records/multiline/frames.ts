import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { AT_FRAME, CLASS_NAME, ERROR_NAME, afterMessage, isBlank } from "./shapes.ts";

const THREAD = /^Exception in thread "/;

/** A header whose message may have several lines: it is nothing but an error. */
const BARE_ERROR =
  /^(?:Exception in thread "[^"]*" )?(?:Unhandled exception\. )?(?:[\w$]{1,64}\.){0,16}[A-Z][\w$]*(?:Exception|Error|Throwable)(?:: |$)/;

const isErrorLine = (lines: Lines, index: number): boolean => {
  const text = lines.text(index);
  return (
    text !== undefined && !AT_FRAME.test(text) && (ERROR_NAME.test(text) || CLASS_NAME.test(text) || THREAD.test(text))
  );
};

/** Where the frames of the error at `header` begin, or undefined if it has none. */
function framesOf(lines: Lines, header: number): number | undefined {
  if (matches(lines, header + 1, AT_FRAME)) return header + 1;
  const hasMessage =
    matches(lines, header, BARE_ERROR) || matches(lines, header, CLASS_NAME) || matches(lines, header, CAUSE);
  if (!hasMessage) return undefined;
  if (matches(lines, header + 1, NESTED)) return afterNested(lines, header + 1);
  return afterMessage(lines, header + 1, AT_FRAME);
}

const CAUSE = /^\s*(?:Caused by|Suppressed|Wrapped by): /;
const NESTED = /^\s*nested exception is:/;
const OMITTED = /^\s*\.\.\. \d+ (?:more|common frames omitted|frames)|^\s*\[CIRCULAR REFERENCE|^\s*- locked </;

/** JavaMail and others put the nested exception, and a blank line, between the message and the frames. */
function afterNested(lines: Lines, index: number): number | undefined {
  let next = index + 2;
  if (isBlank(lines, next)) next += 1;
  return matches(lines, next, AT_FRAME) ? next : undefined;
}

/** Stack traces as `Throwable.printStackTrace`, logback and log4j write them. */
export const java: Extent = (lines, from) => {
  if (!isErrorLine(lines, from) || matches(lines, from, CAUSE)) return 1;
  const frames = framesOf(lines, from) ?? (matches(lines, from + 1, CAUSE) ? from + 1 : undefined);
  if (frames === undefined) return 1;
  let next = frames;
  for (;;) {
    if (matches(lines, next, AT_FRAME) || matches(lines, next, OMITTED)) next += 1;
    else if (matches(lines, next, CAUSE)) next = afterCause(lines, next);
    else return next - from;
  }
};

/** A cause has frames of its own, or only `... n more`, or nothing more was written of it. */
function afterCause(lines: Lines, cause: number): number {
  if (matches(lines, cause + 1, OMITTED)) return cause + 1;
  return framesOf(lines, cause) ?? cause + 1;
}

/** Where node shows the line of code that threw: `/app/server.js:12`. */
const PLACE =
  /^(?:node:[\w/-]+|file:\/\/\S.*|\/.*|[A-Z]:\\.*|\[(?:eval|stdin)\](?:-wrapper)?|evalmachine\.<anonymous>):\d+$/;
const CARET = /^\s*\^+\s*$/;
const NODE_CAUSE = /^\s*caused by: /;
const NODE_VERSION = /^Node\.js v\d/;
const TRACE_HINT = /^\(Use `node --trace-/;

/** Stack traces of V8, with the properties of the error, and what node prints around an uncaught one. */
export const node: Extent = (lines, from) => {
  const shown = matches(lines, from, PLACE) ? afterCode(lines, from + 1) : undefined;
  const header = shown ?? from;
  if (shown === undefined && !(isErrorLine(lines, from) && !matches(lines, from, CAUSE))) return 1;
  const frames = framesOf(lines, header);
  if (frames === undefined && shown === undefined) return 1;
  let next = afterFrames(lines, frames ?? header + 1);
  while (matches(lines, next, NODE_CAUSE)) next = afterFrames(lines, framesOf(lines, next) ?? next + 1);
  if (shown !== undefined) {
    if (matches(lines, next, TRACE_HINT)) next += 1;
    if (isBlank(lines, next) && matches(lines, next + 1, NODE_VERSION)) next += 2;
  }
  return next - from;
};

/** The error behind the code that threw: `throw x`, a caret under it, a blank line. */
function afterCode(lines: Lines, code: number): number | undefined {
  if (!matches(lines, code + 1, CARET)) return undefined;
  return isBlank(lines, code + 2) && lines.text(code + 3) !== undefined ? code + 3 : undefined;
}

function afterFrames(lines: Lines, frames: number): number {
  const next = skip(lines, frames, AT_FRAME);
  // `util.inspect` shows an error's own properties in braces behind it.
  if (!matches(lines, next - 1, / \{$/)) return next;
  const end = skip(lines, next, /^(?:\s+\S|\s*$)/);
  return matches(lines, end, /^\}/) ? end + 1 : next;
}

const INNER = /^\s*---> |^\s+--- End of /;
/** The first line of a record of the console logger of ASP.NET Core; what belongs to it is indented by six spaces. */
const CONSOLE_HEAD = /^(?:trce|dbug|info|warn|fail|crit): \S+\[\d+\]$/;

/** `Exception.ToString()`, unhandled exceptions, and the records of ASP.NET Core's console logger. */
export const dotnet: Extent = (lines, from) => {
  if (matches(lines, from, CONSOLE_HEAD)) return skip(lines, from + 1, /^ {6}/) - from;
  if (!isErrorLine(lines, from) || matches(lines, from, CAUSE)) return 1;
  const hasInner = matches(lines, from + 1, INNER);
  const frames = hasInner ? from + 1 : framesOf(lines, from);
  if (frames === undefined) return 1;
  let next = frames;
  while (matches(lines, next, AT_FRAME) || matches(lines, next, INNER)) next += 1;
  return next - from;
};
