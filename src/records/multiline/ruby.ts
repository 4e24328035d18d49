import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { afterMessage, isBlank } from "./shapes.ts";

/** `app.rb:6:in 'call': message (Class)`; a message of several lines has the class behind its first. */
const RUBY_HEAD = /^\S.*:\d+:in [`'].*\([A-Z][\w:]*\)$/;
const RUBY_FRAME = /^\s+(?:\d+: )?from .+:\d+|^\t \.\.\. \d+ levels\.\.\.$/;
/** With the last call last, as Ruby 2.5 to 2.7 wrote it on a terminal. */
const REVERSED = /^Traceback \(most recent call last\):$/;
const REVERSED_FRAME = /^\t *\d+: from /;
const RUBY_THREAD = /^#<Thread:0x.*> terminated with exception \(report_on_exception is true\):$/;
/** ` ActionController::RoutingError (No route matches):`. */
const RAILS_HEAD = /^\s*(?:[A-Z]\w*::)*[A-Z]\w* \(.*\):$/;
const RAILS_FRAME = /^\s*(?:[\w-]+ \([\w.]+\) )?[\w./<>-]+:\d+:in [`']/;

/** Uncaught exceptions with their causes and highlighted code, and those that Rails logs. */
export const ruby: Extent = (lines, from) => {
  const head = matches(lines, from, RUBY_THREAD) ? from + 1 : from;
  if (matches(lines, head, RUBY_HEAD)) {
    const end = afterCauses(lines, head);
    return end === undefined ? 1 : end - from;
  }
  if (matches(lines, from, REVERSED)) {
    const error = skip(lines, from + 1, REVERSED_FRAME);
    return error > from + 1 && matches(lines, error, RUBY_HEAD) ? error + 1 - from : 1;
  }
  if (!matches(lines, from, RAILS_HEAD)) return 1;
  const frames = skip(lines, from + 1, /^\s*$/);
  const end = skip(lines, frames, RAILS_FRAME);
  return end === frames ? 1 : end - from;
};

/** The calls of an exception: where they begin, and the line behind the last of them. */
interface Trace {
  readonly frames: number;
  readonly end: number;
}

/** The calls of the exception at `head`, without its causes'; undefined if it has none. */
function traceOf(lines: Lines, head: number): Trace | undefined {
  const highlighted = afterHighlight(lines, head + 1);
  const frames = highlighted ?? afterMessage(lines, head + 1, RUBY_FRAME);
  if (frames === undefined) return undefined;
  // A line that begins an exception is none of a message.
  for (let line = head + 1; line < frames; line += 1) if (matches(lines, line, RUBY_HEAD)) return undefined;
  return { frames, end: skip(lines, frames, RUBY_FRAME) };
}

/** `error_highlight` shows the code, with a line of carets under it; `did_you_mean` suggests names below. */
function afterHighlight(lines: Lines, index: number): number | undefined {
  if (!isBlank(lines, index) || !matches(lines, index + 2, /^\s*[\^~]+\s*$/)) return undefined;
  const next = index + 3;
  return matches(lines, next, /^Did you mean\? {2}/) ? skip(lines, next + 1, /^ {15}\S/) : next;
}

/** In a handler: which method's it is. */
const HANDLER = /:in [`'](?:rescue|ensure) in ([^'`]{1,200})'/;

const PLACE = /:in [`']([^'`]{1,200})'/;

/** No handler is looked for further down. */
const MAX_HANDLER = 500;

/**
 * Where the trace at `head` ends with its causes. Nothing marks a cause: it looks like the next uncaught exception. But an
 * exception that a handler raises has one, and that was raised below the method whose handler it is: from there on both
 * have the same callers.
 */
function afterCauses(lines: Lines, first: number): number | undefined {
  let head = first;
  let trace = traceOf(lines, head);
  while (trace !== undefined) {
    const cause: number = trace.end;
    const next: Trace | undefined = matches(lines, cause, RUBY_HEAD) ? traceOf(lines, cause) : undefined;
    if (next === undefined || !isCause(lines, head, trace, next)) return cause;
    head = cause;
    trace = next;
  }
  return undefined;
}

/** Whether the trace below that of the exception at `head` is of its cause. */
function isCause(lines: Lines, head: number, { frames, end }: Trace, cause: Trace): boolean {
  let method = handled(lines, head);
  // Where the method itself stands that the handler is of; below are its callers.
  let outer = frames;
  for (; method === undefined && outer < end && outer < frames + MAX_HANDLER; outer += 1)
    method = handled(lines, outer);
  const callers = end - outer - 1;
  const inner = cause.end - callers - 1;
  // The cause may have been raised in that method, which then stands in its first line.
  const own = inner === cause.frames - 1 ? end : inner;
  if (method === undefined || callers < 0 || own < end) return false;
  if (placeIn(lines, outer) !== method || placeIn(lines, own) !== method) return false;
  for (let at = 1; at <= callers; at += 1) if (lines.text(outer + at) !== lines.text(inner + at)) return false;
  return true;
}

const handled = (lines: Lines, index: number): string | undefined => HANDLER.exec(lines.text(index) ?? "")?.[1];
const placeIn = (lines: Lines, index: number): string | undefined => PLACE.exec(lines.text(index) ?? "")?.[1];
