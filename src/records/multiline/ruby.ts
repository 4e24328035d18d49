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

/** Where the trace of the exception at `head` ends, without its causes; undefined if it has none. */
function afterTrace(lines: Lines, head: number): number | undefined {
  const highlighted = afterHighlight(lines, head + 1);
  const frames = highlighted ?? afterMessage(lines, head + 1, RUBY_FRAME);
  if (frames === undefined) return undefined;
  // A line that begins an exception is none of a message.
  for (let line = head + 1; line < frames; line += 1) if (matches(lines, line, RUBY_HEAD)) return undefined;
  return skip(lines, frames, RUBY_FRAME);
}

/** `error_highlight` shows the code, with a line of carets under it; `did_you_mean` suggests names below. */
function afterHighlight(lines: Lines, index: number): number | undefined {
  if (!isBlank(lines, index) || !matches(lines, index + 2, /^\s*[\^~]+\s*$/)) return undefined;
  const next = index + 3;
  return matches(lines, next, /^Did you mean\? {2}/) ? skip(lines, next + 1, /^ {15}\S/) : next;
}

/** In a handler: which method's it is. */
const HANDLER = /:in [`'](?:rescue|ensure) in ([^'`]{1,200})'/;

/** No handler is looked for further down. */
const MAX_HANDLER = 500;

/**
 * Where the trace at `head` ends with its causes. Nothing marks a cause: it looks like the next uncaught exception. But an
 * exception that a handler raises has one, and that was raised below the method whose handler it is: from there on both
 * have the same callers.
 */
function afterCauses(lines: Lines, head: number): number | undefined {
  let start = head;
  let end = afterTrace(lines, head);
  while (end !== undefined) {
    const cause: number = end;
    const next = matches(lines, cause, RUBY_HEAD) ? afterTrace(lines, cause) : undefined;
    if (next === undefined || !isCause(lines, start, cause, next)) return cause;
    start = cause;
    end = next;
  }
  return undefined;
}

/** Whether the trace from `cause` to `end` is of the cause of the exception that stands from `head` to `cause`. */
function isCause(lines: Lines, head: number, cause: number, end: number): boolean {
  let handler = head;
  let method: string | undefined;
  for (; handler < cause && handler < head + MAX_HANDLER && method === undefined; handler += 1)
    method = HANDLER.exec(lines.text(handler) ?? "")?.[1];
  // Behind the loop `handler` is the line of the method itself, and its callers stand below that.
  const callers = cause - handler - 1;
  const own = end - callers - 1;
  if (method === undefined || callers < 0 || own < cause) return false;
  const isIn = (index: number) => /:in [`']([^'`]{1,200})'/.exec(lines.text(index) ?? "")?.[1] === method;
  if (!isIn(handler) || !isIn(own)) return false;
  for (let at = 1; at <= callers; at += 1) if (lines.text(handler + at) !== lines.text(own + at)) return false;
  return true;
}
