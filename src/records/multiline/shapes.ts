import { type Lines, matches } from "./lines.ts";

/** An error's name: what stands before the frames of a stack trace in Java, Node and .NET. */
export const ERROR_NAME = /(?:Exception|Error|Throwable)(?![a-z])/;

/** `com.example.Broken: text` or `com.example.Broken`: a class by its full name, whatever it is called. */
export const CLASS_NAME = /^(?:[\w$]{1,64}\.){1,16}[A-Z][\w$]*(?:: |:?$)/;

/** A frame of Java, Node and .NET: indented, `at`, and a place or a single name. */
export const AT_FRAME = /^\s+at (?:\S+$|.*[(:[<])/;

/** Lines that begin a record of their own, whatever stands before them: dates and times, JSON, levels, headers of traces. */
const RECORD_START =
  /^(?:\d{1,4}[-/:.]\d|\[|\{|<\d|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\b|[A-Z][a-z]{2} +\d|Traceback |panic: |fatal error: |goroutine \d|thread '|PHP |Unhandled |Exception in thread )/;

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
    if (RECORD_START.test(text) || ERROR_NAME.test(text) || CLASS_NAME.test(text)) return undefined;
  }
  return undefined;
}

export const isBlank = (lines: Lines, index: number): boolean => matches(lines, index, /^\s*$/);
