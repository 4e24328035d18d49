/**
 * Lines that a stack trace has and other logs seldom have, told by their first bytes: this is asked for each line there is.
 * Where no line is one of these there is nothing to join.
 */
const PREFIXES = [
  "^",
  "#",
  "panic: ",
  "fatal error: ",
  "runtime: ",
  "goroutine ",
  "SIG",
  "unexpected fault",
  "thread '",
  "stack backtrace:",
  "Stack backtrace:",
  "Stack trace:",
  "[stacktrace]",
  "Caused by:",
  "caused by:",
  "note: run with",
  "Unhandled exception",
  "Traceback (most recent",
  "nested exception",
];

const ALWAYS = 1;
const MAYBE = 2;

const kinds = new Uint8Array(256);
const byFirst = new Map<number, Buffer[]>();
for (const byte of [" ", "\t"]) kinds[byte.charCodeAt(0)] = ALWAYS;
for (const prefix of PREFIXES) {
  const first = prefix.charCodeAt(0);
  kinds[first] = MAYBE;
  byFirst.set(first, [...(byFirst.get(first) ?? []), Buffer.from(prefix)]);
}

/** Whether the line that begins at `start` may be part of a stack trace, by its first bytes. */
export function isTrigger(bytes: Uint8Array, start: number): boolean {
  const first = bytes[start] ?? 0;
  const kind = kinds[first];
  return kind === ALWAYS || (kind === MAYBE && hasPrefix(bytes, start, byFirst.get(first) ?? []));
}

const hasPrefix = (bytes: Uint8Array, start: number, prefixes: readonly Buffer[]): boolean =>
  prefixes.some((prefix) => prefix.every((byte, index) => bytes[start + index] === byte));

/** How many lines a rule may look ahead from a header before it sees a line that a trace has. */
export const REACH = 14;
