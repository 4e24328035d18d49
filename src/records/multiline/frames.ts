import { type Extent, type Lines, matches } from "./lines.ts";
import { AT_FRAME, CLASS_NAME, ERROR_NAME, OWN_NAME, afterMessage, isBlank } from "./shapes.ts";

const THREAD = /^Exception in thread "/;

/** A header whose message may have several lines: it is nothing but an error. */
const BARE_ERROR =
  /^(?:Exception in thread "[^"]*" )?(?:Unhandled exception\. )?(?:[\w$]{1,64}\.){0,16}(?:[A-Z][\w$]*)?(?:Exception|Error|Throwable)(?:: |$)/;

export const isErrorLine = (lines: Lines, index: number): boolean => {
  const text = lines.text(index);
  return (
    text !== undefined &&
    !AT_FRAME.test(text) &&
    (ERROR_NAME.test(text) || CLASS_NAME.test(text) || OWN_NAME.test(text) || THREAD.test(text))
  );
};

/** Where the frames of the error at `header` begin, or undefined if it has none. */
export function framesOf(lines: Lines, header: number): number | undefined {
  if (matches(lines, header + 1, AT_FRAME)) return header + 1;
  const hasMessage =
    matches(lines, header, BARE_ERROR) || matches(lines, header, CLASS_NAME) || matches(lines, header, CAUSE);
  if (!hasMessage) return undefined;
  if (matches(lines, header + 1, NESTED)) return afterNested(lines, header + 1);
  return afterMessage(lines, header + 1, AT_FRAME);
}

export const CAUSE = /^\s*(?:Caused by|Suppressed|Wrapped by): /;
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
