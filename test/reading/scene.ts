import type { AgentEvent } from "../../src/core/events.ts";
import { BufferPool } from "../../src/core/buffer-pool.ts";
import type { Position } from "../../src/core/checkpoint.ts";
import { START } from "../../src/core/position.ts";
import type { LogRecord } from "../../src/core/record.ts";
import type { RecordTransformer } from "../../src/core/transform.ts";
import type { LogFile, SourceSettings } from "../../src/files/log-file.ts";
import { SegmentReader } from "../../src/reading/reader.ts";
import { Scene } from "../files/scene.ts";

export interface ReadingScene {
  readonly scene: Scene;
  readonly reader: SegmentReader;
  readonly file: LogFile;
  readonly events: AgentEvent[];
}

/** A reader over one real file. */
export async function reading(
  content: string | Buffer,
  source: Partial<SourceSettings> = {},
  cacheBytes = 8 * 1_024 ** 2,
  transformers: ReadonlyMap<string, RecordTransformer> = new Map(),
): Promise<ReadingScene> {
  const scene = await Scene.create({ source });
  await scene.write("app.log", content);
  await scene.start();
  const events: AgentEvent[] = [];
  const reader = new SegmentReader({
    reopen: (file) => scene.registry.reopen(file),
    emit: (event) => events.push(event),
    remember: (file) => scene.registry.remember(file),
    pool: new BufferPool(8 * 1_024 ** 2),
    cacheBytes,
    sinks: 3,
    transformers,
  });
  return { scene, reader, file: scene.file("app.log"), events };
}

export interface ReadThrough {
  readonly records: readonly LogRecord[];
  /** Where the segments began and ended. */
  readonly borders: readonly number[];
  readonly end: Position;
}

/** Reads from a position to where nothing whole is left, a segment after the other. */
export async function readThrough(
  { reader, file }: ReadingScene,
  from: Position = START,
  final = false,
): Promise<ReadThrough> {
  const records: LogRecord[] = [];
  const borders = [from.offset];
  let position = from;
  for (;;) {
    const result = await reader.read(file, position, final);
    if (result.kind !== "segment") {
      if (result.kind !== "atEnd") throw new Error(`unexpected: ${result.kind}`);
      return { records, borders, end: position };
    }
    records.push(...result.segment.records);
    position = result.segment.advance(position, result.segment.end);
    borders.push(position.offset);
    // Never released: the records' texts are wanted afterwards.
    if (final && position.offset >= file.size) return { records, borders, end: position };
  }
}
