import { crc32 } from "node:zlib";
import type { Position } from "../core/checkpoint.ts";
import type { LogRecord } from "../core/record.ts";
import { tailMarker } from "../files/identity.ts";

/** What a record costs in memory beside its bytes, about: the object, and the header of its string. */
const RECORD_OVERHEAD_BYTES = 160;

/**
 * A decoded piece of a file, shared by all sinks that are at the same place. Immutable. It ends at the last record
 * before a fixed grid of offsets, so sinks that began at different places meet at the next border.
 */
export interface Segment {
  /** Offset in the file of the first byte, and of the byte after the last one. */
  readonly start: number;
  readonly end: number;
  /** In the order of their offsets. Bytes between them are blank lines. */
  readonly records: readonly LogRecord[];
  /** The file's bytes from `start - lead` to `end`. */
  readonly bytes: Buffer;
  /** Bytes before `start` that are there too, for tail markers: at most 64. */
  readonly lead: number;
}

/** Memory a segment takes, about, in bytes: its raw bytes, the decoded text, the objects. */
export const memoryOf = (segment: Segment): number =>
  2 * segment.bytes.length + segment.records.length * RECORD_OVERHEAD_BYTES;

/** The position at `offset`, which must lie in the segment, reached from `from`, which must too. */
export function advance(segment: Segment, from: Position, offset: number): Position {
  const base = segment.start - segment.lead;
  return {
    offset,
    crc: crc32(segment.bytes.subarray(from.offset - base, offset - base), from.crc),
    tail: tailMarker(segment.bytes.subarray(0, offset - base)),
  };
}
