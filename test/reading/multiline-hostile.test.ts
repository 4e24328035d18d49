import { describe, expect, test } from "vitest";
import { cpuMicroseconds } from "../../bench/usage.ts";
import { type Extent, MAX_TEXT } from "../../src/records/multiline/lines.ts";
import { auto, presets } from "../../src/records/multiline/registry.ts";

/** Lines that lead deep into the rules: each may go on in itself or in others. */
const LINES = [
  "java.lang.Error: a",
  "\tat a.b(c:1)",
  "\t... 1 more",
  "Caused by: a.B: c",
  "    at a (b:1:2) {",
  "  a",
  "}",
  "file:///a:1",
  "^",
  "",
  "Error: a",
  "[Error: a] {",
  "   --- End of inner exception stack trace ---",
  " ---> (Inner Exception #0) a",
  "Traceback (most recent call last):",
  '  File "a", line 1, in b',
  '  File "a", line 1',
  "During handling of the above exception, another exception occurred:",
  "  + Exception Group Traceback (most recent call last):",
  "  | a",
  "Thread 0x1 (most recent call first):",
  "Fatal Python error: a",
  "panic: a",
  "goroutine 1 [running]:",
  "a.b()",
  "\ta:1",
  "rax 0x0",
  "a:1:in `rescue in b': c (D)",
  "a:1:in `b': c (D)",
  "\tfrom a:1:in `rescue in b'",
  "\tfrom a:1:in `b'",
  "a: Uncaught Error in /a:1",
  "Stack trace:",
  "#0 a",
  "Next Error: a",
  "thread 'a' panicked at 'b",
  "stack backtrace:",
  "   0: a",
];

/** Pieces of one long line. */
const PIECES = [
  ": ",
  "a.",
  "A.",
  "$",
  "$.",
  "Aa",
  "AaA",
  ": AaA",
  "Error",
  "Error: ",
  "Error.",
  "[",
  "] {",
  ":in `rescue in a",
  "'",
  " at (",
];
const HEADS = ["", "[", "a: ", "\tat ", "A", "a:1:in `rescue in "];

function cost(extent: Extent, texts: readonly string[]): number {
  const lines = { text: (index: number) => texts[index] };
  return cpuMicroseconds(() => {
    for (let from = 0; from < texts.length;) from += Math.max(1, extent(lines, from));
  });
}

const repeated = (lines: readonly string[], count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => lines[index % lines.length] ?? "");

/** Microseconds; below it a difference is noise. */
const NOISE = 3_000;

const rules = Object.entries({ ...presets, auto });

describe("sixteen times as many lines cost at most twenty times as much", { timeout: 60_000 }, () => {
  const pairs = LINES.flatMap((one) => LINES.map((other) => [one, other]));

  test.each(rules)("%s", (_, extent) => {
    const worst = pairs
      .map((lines) => ({ lines, cost: cost(extent, repeated(lines, 200)) }))
      .sort((a, b) => b.cost - a.cost)
      .slice(0, 3);
    for (const { lines } of worst) {
      let best = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < 15 && best > 20; attempt += 1) {
        const large = cost(extent, repeated(lines, 16_000));
        best = Math.min(best, large <= NOISE ? 0 : large / Math.max(1, cost(extent, repeated(lines, 1_000))));
      }
      expect([lines, best <= 20 ? "linear" : `${best} times`]).toEqual([lines, "linear"]);
    }
  });
});

test.each(rules)("no line as long as a rule looks at costs it 10 ms: %s", (_, extent) => {
  for (const head of HEADS)
    for (const piece of PIECES) {
      const text = (head + piece.repeat(MAX_TEXT)).slice(0, MAX_TEXT);
      const best = Math.min(...[1, 2, 3].map(() => cost(extent, [text, "\tat a.b(c:1)", text, "\tfrom a:1:in `b'"])));
      expect([text.slice(0, 20), best < 10_000]).toEqual([text.slice(0, 20), true]);
    }
});
