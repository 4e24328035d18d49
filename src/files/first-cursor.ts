import type { Position } from "../core/checkpoint.ts";
import { START } from "../core/position.ts";
import { positionAt, readInto } from "./identity.ts";
import type { LogFile } from "./log-file.ts";

const CHUNK_BYTES = 64 * 1_024;

/** The position after the last whole line that the file has now: where `startAt: end` begins. */
export async function endOf(file: LogFile): Promise<Position> {
  const { content } = file;
  if (content === undefined) return START;
  for (let end = file.size; end > 0; end -= CHUNK_BYTES) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const newline = (await readInto(content, start, Buffer.allocUnsafe(end - start))).lastIndexOf(0x0a);
    if (newline !== -1) return (await positionAt(content, start + newline + 1)) ?? START;
  }
  return START;
}
