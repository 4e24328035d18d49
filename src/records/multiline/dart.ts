import { type Extent, type Lines, matches, skip } from "./lines.ts";

const DART_FRAME = /^#\d+ {2,}\S|^<asynchronous suspension>$/;

/** Unhandled exceptions of Dart. */
export const dart: Extent = (lines, from) => {
  if (!matches(lines, from, /^Unhandled exception:$/)) return 1;
  const end = skip(lines, dartFrames(lines, from + 1), DART_FRAME);
  return end - from;
};

function dartFrames(lines: Lines, from: number): number {
  for (let next = from; next < from + 12; next += 1) {
    if (matches(lines, next, /^#0 {2,}\S/)) return next;
    if (lines.text(next) === undefined) break;
  }
  return from;
}
