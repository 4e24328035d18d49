import type { Writable } from "node:stream";
import split2 from "split2";
import type { Tally } from "./sequence.ts";

/** Stands in for the agent's standard output: frames its NDJSON and tallies the records. */
export function tallyStandardOutput(tally: Tally): Writable {
  return split2().on("data", (line: string) => tally.add(recordOf(line)));
}

/**
 * The members of a JSON line of the application, or the text of another line: what a format found in that is no part of it.
 * Undefined for what is not the sink's format.
 */
function recordOf(line: string): unknown {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    // A finding, not a failure: it is counted as a record that nobody wrote.
    return undefined;
  }
  if (typeof record !== "object" || record === null) return undefined;
  if (!("message" in record) || !("attributes" in record)) return undefined;
  const { attributes, message } = record;
  const isJsonLine = typeof attributes === "object" && attributes !== null && "seq" in attributes;
  return isJsonLine ? attributes : message;
}
