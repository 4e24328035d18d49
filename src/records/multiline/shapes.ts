import { type Lines, matches } from "./lines.ts";

/** An error's name, or V8's own heading: what stands before the frames of a stack trace in Java, Node and .NET. */
export const ERROR_NAME = /(?:Exception|Error|Throwable)(?![a-z])|^V8 errors stack trace$/;

/** `com.example.Broken: text` or `com.example.Broken`: a class by its full name, whatever it is called. */
export const CLASS_NAME = /^(?:[\w$]{1,64}\.){1,16}[A-Z][\w$]*(?:: |:?$)/;

/** `CardDeclined: text`, with `[Error]` behind the name in Node: a class in camel case, whatever it is called. */
export const OWN_NAME = /(?:^|: )(?:\w{1,64}[.$+]){0,16}[A-Z][a-z\d]{1,64}[A-Z][\w$]*(?: \[\w+\])?: /;

/** A frame of Java, Node and .NET: indented, `at`, and a place or a single name. */
export const AT_FRAME = /^\s+(?:eval )?at (?:\S+$|.*[(:[<])/;

/** Lines that begin a record of their own, whatever stands before them: dates and times, JSON, levels, headers of traces. */
const RECORD_START =
  /^(?:\d{1,4}[-/:.]\d|\[|\{|<\d|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\b|[A-Z][a-z]{2} +\d|Traceback |panic: |fatal error: |goroutine \d|runtime: |SIG[A-Z]+: |thread '|PHP |Unhandled |Exception in thread |Fatal Python error: |#<Thread:0x)/;

/** Lines of which a record begins that no logger wrote: what the runtimes print of an error that nobody caught is one. */
const ALONE = new RegExp(
  [
    '^(?:\\d{1,4}[-/:.]\\d|\\[\\S|\\{\\s*"|<\\d|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\\b|[A-Z][a-z]{2} +\\d)',
    "^(?:panic: |fatal error: |goroutine \\d|runtime: |SIG[A-Z]+: )",
    "^(?:thread '|thread panicked while |thread caused non-unwinding panic)",
    "^(?:PHP |Fatal error: +Uncaught |Unhandled )",
    // `Exception in thread` is Java's and Python's.
    "^(?:Exception (?:in thread |ignored in|in callback )|(?:Task|Future) exception was never retrieved$|Error in (?:atexit|sys)\\b)",
    '^(?:Fatal Python error: |(?:Current thread|Thread) 0x| {2}File ".*", line \\d+$)',
    "^#<Thread:0x|:in [`'].*\\([A-Z][\\w:]*\\)$",
    "^\\S+:\\d+$",
  ].join("|"),
);

export const standsAlone = (text: string): boolean => ALONE.test(text);

/** Lines after which a trace may come, so that the last lines of what is there have to wait for the next ones. */
const HEADER =
  /Exception|Error|Throwable|V8 errors stack|Traceback|panic|exception '|^(?:[\w$]+\.){1,16}[A-Z]|^(?:fatal|fail|warn|crit|info|dbug|trce)|:\d+$|\):$|:in [`']|Uncaught |exception was never|^(?:goroutine \d|runtime: |SIG|unexpected fault|Unhandled |Fatal Python|  File "|F\d{4,8} \d)/;

export const mayBeHeader = (text: string): boolean =>
  text.charCodeAt(0) !== 0x7b && (HEADER.test(text) || OWN_NAME.test(text));

const QUIET = /\b(?:TRACE|DEBUG|INFO|NOTICE|FINE|FINER|FINEST|CONFIG|VERBOSE)\b/i;
const SEVERE =
  /\b(?:WARN|WARNING|ERR|ERROR|SEVERE|FAIL|FAILED|FAILURE|FATAL|CRIT|CRITICAL|ALERT|EMERG|EMERGENCY|PANIC)\b|^[WEF](?:, |\d)|Exception/i;

/** A level stands near the beginning of a line. In UTF-16 units. */
const MAX_LEVEL = 160;

/** Whether a log line tells of a fault, so that a trace may stand below it. */
export const isSevere = (text: string): boolean => SEVERE.test(text.slice(0, MAX_LEVEL));

/** Whether its level says that it tells of none. */
export const isQuiet = (text: string): boolean => QUIET.test(text.slice(0, MAX_LEVEL)) && !isSevere(text);

const TRACE_LINE = /^\s+at \S|^Traceback \(most recent call last\):$|^Caused by: /;

/** Whether a line is without doubt of a trace. */
export const isTraceLine = (text: string): boolean => TRACE_LINE.test(text);

/** How many lines of a message are looked through for the frames behind it. */
const MAX_MESSAGE_LINES = 12;

/**
 * The index of the first line with a shape, from `index` on, if nothing but further lines of a message stands before it;
 * undefined otherwise. A line that begins a record of its own is no line of a message.
 */
export function afterMessage(lines: Lines, index: number, shape: RegExp): number | undefined {
  for (let next = index; next <= index + MAX_MESSAGE_LINES; next += 1) {
    const text = lines.text(next);
    if (text === undefined) return undefined;
    if (shape.test(text)) return next;
    if (RECORD_START.test(text) || ERROR_NAME.test(text) || CLASS_NAME.test(text) || OWN_NAME.test(text))
      return undefined;
  }
  return undefined;
}

export const isBlank = (lines: Lines, index: number): boolean => matches(lines, index, /^\s*$/);
