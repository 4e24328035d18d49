import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { afterMessage, isBlank } from "./shapes.ts";

const GOROUTINE = /^goroutine \d+ .*\[.+\]:$/;
const GO_STACK = /^(?:goroutine \d+ .*\[.+\]:|runtime stack:)$/;
const GO_PANIC = /^panic: |\bhttp: panic serving /;
/** The stack of a panic is that of a goroutine that runs. */
const GO_RUNNING = /^goroutine \d+ .*\[running.*\]:$/;
/** glog and klog print all stacks below a fatal line. */
const GLOG_FATAL = /^F\d{4,8} \d\d:\d\d:\d\d\.\d+ /;
const GO_FATAL = /^(?:fatal error: |SIG[A-Z]+: |unexpected fault address )/;
/** The fault itself is told on the next line. */
const GO_FAULT = /^unexpected fault address /;
const GO_RUNTIME = /^runtime: /;
/** Further lines of a panic's value are indented by a tab, and so is a panic while panicking. */
const GO_PREFACE = /^(?:\t|\[signal |PC=|signal arrived during |instruction bytes: |$)/;
const GO_CALL = /^\S+\(.*\)$|^created by /;
/** Where a call stands, whatever is left of it. Java and Ruby have words before the place. */
const GO_PLACE = /^\t(?!at |from |Suppressed: |\.\.\.)\S/;
const GO_ELIDED = /^\.\.\.\d+ frames elided\.\.\.$|^\.\.\.additional frames elided\.\.\.$/;

const GO_REGISTER = /^[a-z][a-z\d]{1,7}[ \t]+0x[\da-f]{1,16}$/;

/** Panics, fatal errors and dumps of goroutines. */
export const go: Extent = (lines, from) => {
  const stack = goStack(lines, from);
  if (stack === undefined) return 1;
  let end = goFrames(lines, stack + 1);
  while (isBlank(lines, end) && matches(lines, end + 1, GO_STACK)) end = goFrames(lines, end + 2);
  // A signal that nobody handles, SIGQUIT among them, shows the registers, too.
  if (isBlank(lines, end) && matches(lines, end + 1, GO_REGISTER)) end = skip(lines, end + 1, GO_REGISTER);
  return end - from;
};

/** The line of the first stack, or undefined if the line at `from` is not the beginning of what leads to one. */
function goStack(lines: Lines, from: number): number | undefined {
  if (matches(lines, from, GOROUTINE)) return from;
  if (matches(lines, from, GLOG_FATAL)) return afterFatal(lines, from + 1);
  let next = skip(lines, from, GO_RUNTIME);
  const panic = lines.text(next);
  if (matches(lines, next, GO_PANIC)) next = skip(lines, next + 1, /^\t/);
  // A panic that can't unwind is told twice, in the same words.
  const repeats =
    next === from ||
    matches(lines, from, GO_RUNTIME) ||
    lines.text(next) === panic?.replace("panic: ", "fatal error: ");
  if (repeats && matches(lines, next, GO_FAULT)) next += 1;
  if (repeats && matches(lines, next, GO_FATAL)) next += 1;
  if (next === from) return undefined;
  // The value of a panic may have any number of lines; this bounds how far a log line that begins like one is followed.
  const first = next;
  for (const limit = next + 100; next < limit && matches(lines, next, GO_PREFACE); next += 1);
  const isPanic = panic?.startsWith("panic: ") === true;
  // Whoever only says that there was a panic leaves no blank line below it.
  if (matches(lines, next, GO_STACK)) return !isPanic || isBlank(lines, next - 1) ? next : undefined;
  return isPanic ? afterValue(lines, first) : undefined;
}

/** Before Go 1.20 further lines of a panic's value were not indented. */
function afterValue(lines: Lines, index: number): number | undefined {
  const stack = afterMessage(lines, index, GO_RUNNING);
  return stack !== undefined && isBlank(lines, stack - 1) ? stack : undefined;
}

/** The stacks below what was logged, which may have several lines. */
const afterFatal = (lines: Lines, index: number): number | undefined => afterMessage(lines, index, GO_RUNNING);

/** A frame is a call and, indented, its place. */
function goFrames(lines: Lines, from: number): number {
  let next = from;
  for (;;) {
    if (matches(lines, next, GO_PLACE) || matches(lines, next, GO_ELIDED)) next += 1;
    else if (matches(lines, next, GO_CALL) && matches(lines, next + 1, GO_PLACE)) next += 2;
    else return next;
  }
}
