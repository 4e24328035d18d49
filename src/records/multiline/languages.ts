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

/** Tracebacks, chained ones and exception groups. */
export const python: Extent = (lines, from) => {
  if (matches(lines, from, STACK)) return Math.max(1, afterStack(lines, from) - from);
  let end = afterTraceback(lines, from);
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

const GOROUTINE = /^goroutine \d+ .*\[.+\]:$/;
const GO_STACK = /^(?:goroutine \d+ .*\[.+\]:|runtime stack:)$/;
const GO_PANIC = /^panic: |\bhttp: panic serving /;
const GO_FATAL = /^(?:fatal error: |SIG[A-Z]+: |unexpected fault address )/;
const GO_RUNTIME = /^runtime: /;
/** Further lines of a panic's value are indented by a tab, and so is a panic while panicking. */
const GO_PREFACE = /^(?:\t|\[signal |PC=|$)/;
const GO_CALL = /^\S+\(.*\)$|^created by /;
/** Where a call stands, whatever is left of it. Java and Ruby have words before the place. */
const GO_PLACE = /^\t(?!at |from |Suppressed: |\.\.\.)\S/;
const GO_ELIDED = /^\.\.\.\d+ frames elided\.\.\.$|^\.\.\.additional frames elided\.\.\.$/;

/** Panics, fatal errors and dumps of goroutines. */
export const go: Extent = (lines, from) => {
  const stack = goStack(lines, from);
  if (stack === undefined) return 1;
  let end = goFrames(lines, stack + 1);
  while (isBlank(lines, end) && matches(lines, end + 1, GO_STACK)) end = goFrames(lines, end + 2);
  return end - from;
};

/** The line of the first stack, or undefined if the line at `from` is not the beginning of what leads to one. */
function goStack(lines: Lines, from: number): number | undefined {
  if (matches(lines, from, GOROUTINE)) return from;
  let next = skip(lines, from, GO_RUNTIME);
  const panic = lines.text(next);
  if (matches(lines, next, GO_PANIC)) next = skip(lines, next + 1, /^\t/);
  // A panic that can't unwind is told twice, in the same words.
  const repeats =
    next === from ||
    matches(lines, from, GO_RUNTIME) ||
    lines.text(next) === panic?.replace("panic: ", "fatal error: ");
  if (repeats && matches(lines, next, GO_FATAL)) next += 1;
  if (next === from) return undefined;
  // The value of a panic may have any number of lines; this bounds how far a log line that begins like one is followed.
  for (const limit = next + 100; next < limit && matches(lines, next, GO_PREFACE); next += 1);
  return matches(lines, next, GO_STACK) ? next : undefined;
}

/** A frame is a call and, indented, its place. */
function goFrames(lines: Lines, from: number): number {
  let next = from;
  for (;;) {
    if (matches(lines, next, GO_PLACE) || matches(lines, next, GO_ELIDED)) next += 1;
    else if (matches(lines, next, GO_CALL) && matches(lines, next + 1, GO_PLACE)) next += 2;
    else return next;
  }
}

/** `app.rb:6:in 'call': message (Class)`. */
const RUBY_HEAD = /^\S.*:\d+:in [`'].*\([A-Z][\w:]*\)$/;
const RUBY_FRAME = /^\s+(?:\d+: )?from .+:\d+/;
/** ` ActionController::RoutingError (No route matches):`. */
const RAILS_HEAD = /^\s*(?:[A-Z]\w*::)*[A-Z]\w* \(.*\):$/;
const RAILS_FRAME = /^\s*(?:[\w-]+ \([\w.]+\) )?[\w./<>-]+:\d+:in [`']/;

/** Uncaught exceptions with their highlighted code, and those that Rails logs. */
export const ruby: Extent = (lines, from) => {
  if (matches(lines, from, RUBY_HEAD)) {
    const frames = matches(lines, from + 1, RUBY_FRAME) ? from + 1 : afterHighlight(lines, from + 1);
    return frames === undefined ? 1 : skip(lines, frames, RUBY_FRAME) - from;
  }
  if (!matches(lines, from, RAILS_HEAD)) return 1;
  const frames = skip(lines, from + 1, /^\s*$/);
  const end = skip(lines, frames, RAILS_FRAME);
  return end === frames ? 1 : end - from;
};

/** `error_highlight` shows the code, with a line of carets under it, between blank lines. */
function afterHighlight(lines: Lines, index: number): number | undefined {
  if (!isBlank(lines, index)) return undefined;
  if (!matches(lines, index + 2, /^\s*[\^~]+\s*$/)) return undefined;
  return index + 3;
}

const PHP_STACK = /^(?:Stack trace:|\[stacktrace\])$/;
const PHP_HEAD = /(?:Exception|Error)(?![a-z])|exception '/;
const PHP_FRAME = /^#\d+ /;
const PHP_END = /^\s+thrown in |^"\}\s*$/;

/** Uncaught exceptions with those before them, and the traces that Monolog writes. */
export const php: Extent = (lines, from) => {
  if (!matches(lines, from, PHP_HEAD) || !matches(lines, from + 1, PHP_STACK)) return 1;
  let end = skip(lines, from + 2, PHP_FRAME);
  while (isBlank(lines, end) && matches(lines, end + 1, /^Next /) && matches(lines, end + 2, PHP_STACK))
    end = skip(lines, end + 3, PHP_FRAME);
  if (matches(lines, end, PHP_END)) end += 1;
  return end - from;
};

const RUST_PANIC = /^thread '.*' (?:\(\d+\) )?panicked at /;
const RUST_NOTE = /^note: (?:run with `RUST_BACKTRACE|[Ss]ome details are omitted)/;
const RUST_BACKTRACE = /^[Ss]tack backtrace:$/;
const RUST_AFTER = /^(?:note: (?:run with `RUST_BACKTRACE|[Ss]ome details are omitted)|stack backtrace:$)/;
const RUST_FRAME = /^\s+(?:\d+: |at )/;

/** Panics with their backtraces, and errors with causes as `anyhow` shows them. */
export const rust: Extent = (lines, from) => {
  if (matches(lines, from, RUST_PANIC)) return rustPanic(lines, from) - from;
  if (!matches(lines, from, /^Error: /) || !isBlank(lines, from + 1)) return 1;
  let end = from + 1;
  if (matches(lines, end + 1, /^Caused by:$/)) end = skip(lines, end + 2, /^ {4}/);
  if (isBlank(lines, end) && matches(lines, end + 1, RUST_BACKTRACE)) end = skip(lines, end + 2, RUST_FRAME);
  return end === from + 1 ? 1 : end - from;
};

function rustPanic(lines: Lines, header: number): number {
  let next = header + 1;
  // Since Rust 1.73 the message stands below the place.
  if (matches(lines, header, /:\d+:\d+:$/)) {
    if (lines.text(next) === undefined) return next;
    next = afterMessage(lines, next, RUST_AFTER) ?? next + 1;
  }
  if (matches(lines, next, RUST_BACKTRACE)) next = skip(lines, next + 1, RUST_FRAME);
  return matches(lines, next, RUST_NOTE) ? next + 1 : next;
}

const DART_FRAME = /^#\d+ {2,}\S|^<asynchronous suspension>$/;

/** Unhandled exceptions of Dart. */
export const dart: Extent = (lines, from) => {
  if (!matches(lines, from, /^Unhandled exception:$/)) return 1;
  const end = skip(lines, dartFrames(lines, from + 1), DART_FRAME);
  return end - from;
};

function dartFrames(lines: Lines, from: number): number {
  for (let next = from; next < from + 12; next += 1) {
    if (matches(lines, next, /^#0 {2,}\S/)) return next;
    if (lines.text(next) === undefined) break;
  }
  return from;
}
