import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { afterMessage, isBlank } from "./shapes.ts";

const PHP_STACK = /^(?:Stack trace:|\[stacktrace\])$/;
const PHP_HEAD = /(?:Exception|Error)(?![a-z])|exception '|Uncaught | in \/.*:\d+$/;
/** The message of such a line may have further ones. */
const PHP_OPEN = /Uncaught |^Next /;
const PHP_FRAME = /^#\d+ /;
const PHP_END = /^\s+thrown in |^"\}\s*$/;

/** Uncaught exceptions with those before them, and the traces that Monolog writes. */
export const php: Extent = (lines, from) => {
  const stack = matches(lines, from, PHP_HEAD) ? stackOf(lines, from) : undefined;
  if (stack === undefined) return 1;
  let end = skip(lines, stack + 1, PHP_FRAME);
  for (let next = nextOf(lines, end); next !== undefined; next = nextOf(lines, end))
    end = skip(lines, next + 1, PHP_FRAME);
  if (matches(lines, end, PHP_END)) end += 1;
  return end - from;
};

/** Where the stack of the exception at `header` begins; its message ends with the place, perhaps on a further line. */
function stackOf(lines: Lines, header: number): number | undefined {
  if (matches(lines, header + 1, PHP_STACK)) return header + 1;
  if (!matches(lines, header, PHP_OPEN)) return undefined;
  const stack = afterMessage(lines, header + 1, PHP_STACK);
  return stack !== undefined && matches(lines, stack - 1, / in .*:\d+$/) ? stack : undefined;
}

/** The stack of the exception that came of the one before. */
const nextOf = (lines: Lines, end: number): number | undefined =>
  isBlank(lines, end) && matches(lines, end + 1, /^Next /) ? stackOf(lines, end + 1) : undefined;
