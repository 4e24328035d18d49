import { crc32 } from "node:zlib";
import type { CheckpointStore, Position } from "./checkpoint.ts";

/** Bytes before a cursor that its tail marker covers at most. */
export const TAIL_BYTES = 64;

/** The beginning of a file. */
export const START: Position = { offset: 0, crc: 0, tail: 0 };

/** The tail marker of a position: CRC-32 of the bytes that end there, at most 64. `bytes` end at the position. */
export const tailMarker = (bytes: Buffer): number => crc32(bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES)));

/** The furthest position of any sink in a file, durable or about to be. */
export function furthestOf({ cursors }: Pick<CheckpointStore, "cursors">, file: number): Position {
  let furthest = START;
  for (const ofSink of cursors.values()) {
    const position = ofSink.get(file)?.position;
    if (position !== undefined && position.offset > furthest.offset) furthest = position;
  }
  return furthest;
}
