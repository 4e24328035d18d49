import { z } from "zod";
import { duration } from "../core/options.ts";
import { LogRecord, type Timestamp } from "../core/record.ts";
import { compileOptionalCondition, fieldName, optionalCondition, type Predicate } from "./condition.ts";
import { type ReadField, readFieldOf } from "./field.ts";
import type { TransformContext } from "./step.ts";
import { type KeyCount, ThrottleState } from "./throttle-state.ts";

export const throttleSchema = z
  .strictObject({
    limit: z.int().min(1).describe("Records with the same key that are shipped in each window, of each file."),
    per: duration()
      .refine((ms) => ms >= 1, "must be at least 1ms")
      .describe("Length of a window. Windows go by the records' own times."),
    key: fieldName()
      .optional()
      .describe(
        "Records with the same value of this field are counted together. Without it all records of a file are.",
      ),
    where: optionalCondition,
  })
  .describe(
    "Holds back records beyond a limit, and ships a record that says how many. Records before the first time in a file pass.",
  );

/** What was held back is told when it is 1, 10, 100 and so on, and once more, exactly, when the next window opens. */
const isTold = (held: number): boolean => /^10*$/.test(String(held));

/**
 * Holds back what is beyond a limit. Its decisions follow from the records of the file's cell (see `ThrottleState`) before
 * a record, so that they are the same for every sink, and after a restart.
 */
export class Throttle {
  readonly #options: z.output<typeof throttleSchema>;
  readonly #isMet: Predicate;
  readonly #readKey: ReadField | undefined;

  constructor(options: z.output<typeof throttleSchema>, { resource }: TransformContext) {
    this.#options = options;
    this.#isMet = compileOptionalCondition(options.where, resource);
    this.#readKey = options.key === undefined ? undefined : readFieldOf(options.key, resource);
  }

  /** What becomes of a run of records. Changes the state. */
  run(records: readonly LogRecord[], state: ThrottleState): readonly LogRecord[] {
    const result: LogRecord[] = [];
    for (const record of records) {
      for (const count of state.enterCell(record.offset)) result.push(this.#summary(record, count));
      // The parts of a line that was split pass: there is no use in some of them.
      if (record.split !== undefined || !this.#isMet(record)) result.push(record);
      else this.#judge(record, state, result);
    }
    return result;
  }

  #judge(record: LogRecord, state: ThrottleState, result: LogRecord[]): void {
    const { limit, per } = this.#options;
    const { timestamp } = record.fields;
    const window = timestamp === undefined ? state.latest : Math.floor(timestamp.epochMs / per);
    if (window === undefined) {
      result.push(record);
      return;
    }
    for (const count of state.enterWindow(window)) result.push(this.#summary(record, count));
    const count = state.countOf(window, this.#readKey?.(record)?.text ?? "");
    if (count.passed < limit) {
      count.passed += 1;
      result.push(record);
    } else {
      count.held += 1;
      if (!isTold(count.held)) return;
      count.told = count.held;
      result.push(this.#summary(record, count));
    }
  }

  /** A record of no bytes in the file: those of the records it speaks of count as filtered. */
  #summary({ offset, origin }: LogRecord, { window, key, held }: KeyCount): LogRecord {
    const { limit, per, key: field } = this.#options;
    const epochMs = window * per;
    const start = new Date(epochMs);
    const at = Number.isNaN(start.getTime()) ? undefined : start.toISOString();
    const whose = field === undefined ? "" : ` with ${field} ${JSON.stringify(key)}`;
    const message = `held back ${held} ${held === 1 ? "record" : "records"}${whose} beyond ${limit} in ${per} ms from ${at}`;
    const throttled = { held, limit, perMs: per, from: at, field, key: field === undefined ? undefined : key };
    const body = JSON.stringify({ level: "warn", time: at, message, tailcar: { throttled } });
    const timestamp: Timestamp | undefined = at === undefined ? undefined : { epochMs, nanos: 0 };
    const severity = { number: 13, text: "warn" };
    return new LogRecord(body, offset, 0, origin, (text) => ({
      message: text === body ? message : undefined,
      timestamp,
      severity,
      isObject: true,
    }));
  }
}
