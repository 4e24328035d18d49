import type { LogRecord } from "./record.ts";

/**
 * What the configuration makes of the records of one source, between reading and sharing. Sinks read a file each at its own
 * pace, and again after a restart, so what becomes of a record follows from the file alone: its path, its content, the
 * record's offset.
 */
export interface RecordTransformer {
  /**
   * Where reading has to begin so that records from `offset` on are judged as they always are: at `offset` itself, or at
   * the first line that starts at or behind the result. The records before `offset` are handed to `transform` too then.
   */
  contextOf(file: number, offset: number): number;
  /**
   * What becomes of records of a file, which stand from one offset to another: the same, others, or fewer. Never throws,
   * whatever is in the records. Those that are made up have length 0.
   */
  transform(records: readonly LogRecord[], file: number, from: number, to: number): readonly LogRecord[];
}
