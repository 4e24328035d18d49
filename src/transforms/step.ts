import type { LogRecord } from "../core/record.ts";
import type { Resource } from "../core/sink.ts";

/** What a transform gets to know besides its options. */
export interface TransformContext {
  readonly resource: Resource;
}

/** A transform at work: what becomes of a run of records of one file. */
export type Step = (records: readonly LogRecord[]) => readonly LogRecord[];

/** A step that judges each record by itself; undefined is for a record that is filtered. */
export const eachRecord =
  (apply: (record: LogRecord) => LogRecord | undefined): Step =>
  (records) => {
    let result: LogRecord[] | undefined;
    for (const [index, record] of records.entries()) {
      const next = apply(record);
      if (result === undefined && next !== record) result = records.slice(0, index);
      if (result !== undefined && next !== undefined) result.push(next);
    }
    return result ?? records;
  };
