import { CAUSE, framesOf, isErrorLine } from "./frames.ts";
import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { AT_FRAME, afterMessage, isBlank } from "./shapes.ts";

/** Where node shows the line of code that threw: `/app/server.js:12`. */
const PLACE =
  /^(?:node:[\w/-]+|file:\/\/\S.*|\/.*|[A-Z]:\\.*|\[(?:eval|stdin)\](?:-wrapper)?|evalmachine\.<anonymous>|<anonymous_script>):\d+$/;
const CARET = /^\s*\^+\s*$/;
const NODE_CAUSE = /^\s*caused by: /;
const NODE_VERSION = /^Node\.js v\d/;
const TRACE_HINT = /^\(Use `node --trace-/;
const PLACE_END = /^\(Use `node --trace-|^Node\.js v\d/;
/** `util.inspect` of an error that has no stack. */
const INSPECTED = /^\[[\w$.]*(?:Error|Exception)(?: \[\w+\])?(?:: .*)?\] \{$/;

/** Stack traces of V8, with the properties of the error, and what node prints around an uncaught one. */
export const node: Extent = (lines, from) => {
  if (matches(lines, from, INSPECTED)) return afterProperties(lines, from + 1) - from;
  if (matches(lines, from, PLACE)) return uncaught(lines, from);
  if (!isErrorLine(lines, from) || matches(lines, from, CAUSE)) return 1;
  const frames = framesOf(lines, from);
  return frames === undefined ? 1 : afterError(lines, frames) - from;
};

/** Below the place stand the code, a caret, what was thrown, and what version of node it was. */
function uncaught(lines: Lines, from: number): number {
  const code = from + 1;
  if (!matches(lines, code + 1, CARET)) return 1;
  if (!isBlank(lines, code + 2)) return afterThrown(lines, code + 2) - from;
  const header = code + 3;
  if (lines.text(header) === undefined) return 1;
  const next = matches(lines, header, INSPECTED)
    ? afterProperties(lines, header + 1)
    : afterError(lines, framesOf(lines, header) ?? header + 1);
  return afterVersion(lines, next) - from;
}

/** What is no error is shown as it is, and something always follows it. */
function afterThrown(lines: Lines, thrown: number): number {
  const end = afterMessage(lines, thrown + 1, PLACE_END);
  if (end === undefined) return thrown;
  return afterVersion(lines, matches(lines, end, TRACE_HINT) ? end : end - 1);
}

function afterVersion(lines: Lines, index: number): number {
  const next = matches(lines, index, TRACE_HINT) ? index + 1 : index;
  return isBlank(lines, next) && matches(lines, next + 1, NODE_VERSION) ? next + 2 : next;
}

function afterError(lines: Lines, frames: number): number {
  let next = afterFrames(lines, frames);
  while (matches(lines, next, NODE_CAUSE)) next = afterFrames(lines, framesOf(lines, next) ?? next + 1);
  return next;
}

function afterFrames(lines: Lines, frames: number): number {
  const next = skip(lines, frames, AT_FRAME);
  return matches(lines, next - 1, / \{$/) ? afterProperties(lines, next) : next;
}

/** Properties have no more lines: where the brace is not closed, each error would look through all that follows. */
const MAX_PROPERTIES = 300;

/** `util.inspect` shows an error's own properties in braces behind it. */
function afterProperties(lines: Lines, first: number): number {
  let end = first;
  while (end < first + MAX_PROPERTIES && matches(lines, end, /^(?:\s+\S|\s*$)/)) end += 1;
  return matches(lines, end, /^\}/) ? end + 1 : first;
}
