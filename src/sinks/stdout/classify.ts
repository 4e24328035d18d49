import { describeError, errorCode } from "../../core/errors.ts";
import type { Outcome } from "../../core/outcome.ts";

/** The reader has closed its end, or the stream was closed: nobody will ever read again. */
const GONE: ReadonlySet<string> = new Set([
  "EPIPE",
  "ECONNRESET",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
  "ERR_STREAM_ALREADY_FINISHED",
]);

/** What the end of a write means; `error` is what its callback got. */
export function classifyWrite(error: Error | null | undefined): Outcome {
  if (error === null || error === undefined) return { kind: "delivered" };
  const code = errorCode(error);
  if (code !== undefined && GONE.has(code)) return { kind: "ended", reason: "standard output is closed" };
  return { kind: "retry", reason: describeError(error) };
}
