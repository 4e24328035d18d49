import { type Extent, type Lines, matches, skip } from "./lines.ts";
import { afterMessage, isBlank } from "./shapes.ts";

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

/** Up to Rust 1.72 the message stood before the place, in quotes. */
const RUST_QUOTED = /panicked at '/;
const RUST_PLACE = /', .+:\d+:\d+$/;

function rustPanic(lines: Lines, header: number): number {
  let next = header + 1;
  if (matches(lines, header, RUST_QUOTED) && !matches(lines, header, RUST_PLACE)) {
    const place = afterMessage(lines, next, RUST_PLACE);
    if (place === undefined) return next;
    next = place + 1;
  }
  // Since Rust 1.73 the message stands below the place.
  if (matches(lines, header, /:\d+:\d+:$/)) {
    if (lines.text(next) === undefined) return next;
    next = afterMessage(lines, next, RUST_AFTER) ?? next + 1;
  }
  if (matches(lines, next, RUST_BACKTRACE)) next = skip(lines, next + 1, RUST_FRAME);
  return matches(lines, next, RUST_NOTE) ? next + 1 : next;
}
