import type { Position } from "../core/checkpoint.ts";
import { TAIL_BYTES, tailMarker } from "../core/position.ts";
import type { ReadResult } from "../core/reading.ts";
import type { Segment } from "../core/segment.ts";
import type { RecordTransformer } from "../core/transform.ts";
import type { LogFile } from "../files/log-file.ts";

const LF = 0x0a;
const PIECE_BYTES = 64 * 1_024;

/** Reads the segment that begins at a position. */
type Read = (position: Position) => Promise<ReadResult>;

/** The segment with its records transformed. Takes over the hold on the one that was given. */
export async function transformSegment(
  segment: Segment,
  file: LogFile,
  transformer: RecordTransformer,
  read: Read,
): Promise<Segment> {
  const { start, end, records } = segment;
  const context = transformer.contextOf(file.id, start);
  if (context < start) await readContext(file, context, start, transformer, read);
  const transformed = transformer.transform(records, file.id, start, end);
  return transformed === records ? segment : segment.withRecords(transformed);
}

/** Shows the transformer the records from one offset to another. If the file has changed meanwhile, the next read will notice. */
async function readContext(
  file: LogFile,
  from: number,
  to: number,
  transformer: RecordTransformer,
  read: Read,
): Promise<void> {
  let position = await firstLine(file, from, to);
  // Where no line starts in between, what stands before is the context.
  if (position === undefined || position.offset >= to)
    position = await firstLine(file, transformer.contextOf(file.id, from), to);
  while (position !== undefined && position.offset < to) {
    const result = await read(position);
    if (result.kind !== "segment") return;
    const { segment } = result;
    const end = Math.min(segment.end, to);
    const records = segment.records.filter(({ offset }) => offset < end);
    transformer.transform(records, file.id, position.offset, end);
    position = segment.advance(position, segment.end);
    segment.release();
  }
}

/** The position of the first line that starts at `from` or behind, and before `to`. It proves nothing of what stands before. */
async function firstLine(file: LogFile, from: number, to: number): Promise<Position | undefined> {
  if (from === 0) return { offset: 0, crc: 0, tail: 0 };
  const piece = Buffer.alloc(TAIL_BYTES + PIECE_BYTES);
  for (let start = from - TAIL_BYTES; start < to; start += PIECE_BYTES) {
    const bytes = await file.read(start, piece);
    if (bytes === undefined) return undefined;
    // The line feed before the line may be the last byte before `from`.
    const feed = bytes.indexOf(LF, TAIL_BYTES - 1);
    if (feed !== -1)
      return { offset: start + feed + 1, crc: 0, tail: tailMarker(bytes.subarray(feed + 1 - TAIL_BYTES, feed + 1)) };
    if (bytes.length < piece.length) return undefined;
  }
  return undefined;
}
