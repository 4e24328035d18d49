import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { afterMessage, isBlank } from "./shapes.ts";

const TRACEBACK = /Traceback \(most recent call last\):$/;
const GROUP = /^\s*\+ Exception Group Traceback \(most recent call last\):$/;
const GROUP_BODY = /^\s+(?:\||\+-)/;
const PYTHON_FRAME = /^\s+(?:File "|\[Previous line repeated )/;
const PYTHON_ERROR = /^[A-Za-z_][\w.]*(?::|$)/;
const CHAINED =
  /^(?:During handling of the above exception, another exception occurred|The above exception was the direct cause of the following exception):$/;

/** What `logging` writes with `stack_info`, below a traceback too. */
const STACK = /^Stack \(most recent call last\):$/;

/** What the interpreter says of an error that it can raise nowhere. */
const UNRAISABLE = /^(?:Exception in thread |Exception ignored in|Error in (?:atexit|sys)\b)/;
/** The same of asyncio, with the task or handle on the next line. */
const UNAWAITED = /^(?:(?:Task|Future) exception was never retrieved$|Exception in callback )/;
const UNAWAITED_OF = /^(?:future|task|handle): </;

/** What a line or two say of the traceback below them; undefined if there is none. */
function afterIntroduction(lines: Lines, from: number): number | undefined {
  const next = from + (matches(lines, from, UNAWAITED) && matches(lines, from + 1, UNAWAITED_OF) ? 2 : 1);
  const isOne = next > from + 1 || matches(lines, from, UNRAISABLE);
  return isOne && matches(lines, next, TRACEBACK) ? next : undefined;
}

/** A program that can't be compiled has no traceback. */
const UNCOMPILED = /^ {2}File ".*", line \d+$/;
const SYNTAX_ERROR = /^(?:SyntaxError|IndentationError|TabError): /;

function afterUncompiled(lines: Lines, from: number): number | undefined {
  if (!matches(lines, from, UNCOMPILED)) return undefined;
  const error = skip(lines, from + 1, /^ {3}/);
  return matches(lines, error, SYNTAX_ERROR) ? error + 1 : undefined;
}

const FATAL = /^Fatal Python error: /;
/** Of a thread, as `faulthandler` writes it: the last call comes first. */
const DUMP = /^(?:Current thread|Thread) 0x[\da-f]+ .*\(most recent call first\):$/;
const DUMP_FRAME = /^ {2}(?:File ".*", line (?:\d+|\?\?\?) in |<no Python frame>$|\.\.\.$)/;

function afterDump(lines: Lines, from: number): number | undefined {
  const isFatal = matches(lines, from, FATAL);
  let next = isFatal ? afterMessage(lines, from + 1, DUMP) : from;
  if (next === undefined || !matches(lines, next, DUMP)) return undefined;
  for (;;) {
    next = skip(lines, next + 1, DUMP_FRAME);
    if (!isBlank(lines, next)) return next;
    if (isFatal && matches(lines, next + 1, /^Extension modules: /)) return next + 2;
    if (!matches(lines, next + 1, DUMP)) return next;
    next += 1;
  }
}

/** Tracebacks, chained ones and exception groups, and what the interpreter says above them; dumps of threads. */
export const python: Extent = (lines, from) => {
  if (matches(lines, from, STACK)) return Math.max(1, afterStack(lines, from) - from);
  const alone = afterUncompiled(lines, from) ?? afterDump(lines, from);
  if (alone !== undefined) return alone - from;
  let end = afterTraceback(lines, afterIntroduction(lines, from) ?? from);
  if (end === undefined) return 1;
  // Between chained tracebacks stand a blank line, a sentence, and another blank line.
  for (let link = chainedAt(lines, end); link !== undefined; link = chainedAt(lines, end)) {
    const next = afterTraceback(lines, link + 3);
    if (next === undefined) return link + 2 - from;
    end = next;
  }
  return afterStack(lines, end) - from;
};

const afterStack = (lines: Lines, index: number): number =>
  matches(lines, index, STACK) && matches(lines, index + 1, PYTHON_FRAME) ? skip(lines, index + 1, /^\s+\S/) : index;

/** Where the chain goes on behind an error, of which the message may have further lines. */
function chainedAt(lines: Lines, end: number): number | undefined {
  const sentence = afterMessage(lines, end, CHAINED);
  const isChained = sentence !== undefined && isBlank(lines, sentence - 1) && isBlank(lines, sentence + 1);
  return isChained && sentence > end ? sentence - 1 : undefined;
}

function afterTraceback(lines: Lines, header: number): number | undefined {
  if (!matches(lines, header, TRACEBACK)) return undefined;
  if (matches(lines, header, GROUP)) return skip(lines, header + 1, GROUP_BODY);
  if (!matches(lines, header + 1, PYTHON_FRAME)) return undefined;
  const error = skip(lines, header + 1, /^\s+\S/);
  return matches(lines, error, PYTHON_ERROR) ? error + 1 : error;
}
