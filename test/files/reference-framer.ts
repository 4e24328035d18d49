import type { SplitMark } from "../../src/core/record.ts";

/** A frame: where it starts, where its text ends, where the next one starts, and which piece of a line it is. */
export type Frame = readonly [start: number, contentEnd: number, end: number, split: SplitMark | undefined];

/** The plainest framer there is: byte by byte, a whole line at a time. Lines are cut into pieces afterwards. */
export function referenceFrames(bytes: Buffer, maxRecordBytes: number, final: boolean): readonly Frame[] {
  const frames: Frame[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] !== 0x0a) continue;
    const contentEnd = at > start && bytes[at - 1] === 0x0d ? at - 1 : at;
    frames.push(...pieces(bytes, start, contentEnd, at + 1, maxRecordBytes));
    start = at + 1;
  }
  if (final && start < bytes.length) frames.push(...pieces(bytes, start, bytes.length, bytes.length, maxRecordBytes));
  return frames;
}

function pieces(bytes: Buffer, from: number, contentEnd: number, end: number, max: number): readonly Frame[] {
  if (contentEnd === from) return [];
  const cuts = [from];
  for (let cut = from; contentEnd - cut > max;) {
    cut = border(bytes, cut, cut + max);
    cuts.push(cut);
  }
  return cuts.map((start, index): Frame => {
    const isLast = index === cuts.length - 1;
    const pieceEnd = cuts[index + 1] ?? contentEnd;
    const mark = cuts.length === 1 ? undefined : index === 0 ? "first" : isLast ? "last" : "middle";
    return [start, pieceEnd, isLast ? end : pieceEnd, mark];
  });
}

/** Not inside of a UTF-8 character, unless there is no border within the length of one. */
function border(bytes: Buffer, start: number, end: number): number {
  for (let at = end; at > start && at > end - 4; at -= 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return end;
}
