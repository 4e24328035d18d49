import { crc32 } from "node:zlib";
import { z } from "zod";
import type { LogRecord, RecordOrigin } from "../core/record.ts";
import { compileOptionalCondition, fieldName, optionalCondition } from "./condition.ts";
import { type ReadField, readFieldOf } from "./field.ts";
import { eachRecord, type Step, type TransformContext } from "./step.ts";

export const sampleSchema = z
  .strictObject({
    rate: z.number().min(0).max(1).describe("Part of the records that is shipped, from 0 to 1."),
    key: fieldName()
      .optional()
      .describe(
        "Records with the same value of this field are shipped all or not at all, in whatever file they are. Without it, or for a record that lacks the field, the record's place in its file decides.",
      ),
    where: optionalCondition,
  })
  .describe(
    "Ships a part of the records. Which, follows from the records alone: it is the same for every sink and after a restart.",
  );

/** One more than the largest hash. */
const HASHES = 2 ** 32;

/** The parts of a line that was split are shipped in any case: there is no use in some of them. */
export function createSample(
  { rate, key, where }: z.output<typeof sampleSchema>,
  { resource }: TransformContext,
): Step {
  const isMet = compileOptionalCondition(where, resource);
  const read = key === undefined ? undefined : readFieldOf(key, resource);
  const limit = rate * HASHES;
  return eachRecord((record) =>
    record.split !== undefined || !isMet(record) || hashOf(record, read) < limit ? record : undefined,
  );
}

function hashOf(record: LogRecord, read: ReadField | undefined): number {
  const value = read?.(record);
  return mix(value === undefined ? crc32(String(record.offset), pathHash(record.origin)) : crc32(value.text));
}

/** Of one file are most records in a row. */
let lastOrigin: RecordOrigin | undefined;
let lastHash = 0;

function pathHash(origin: RecordOrigin): number {
  if (origin !== lastOrigin) {
    lastOrigin = origin;
    lastHash = crc32(origin.path);
  }
  return lastHash;
}

/** Spreads a checksum evenly: those of successive numbers are too regular. Source: the finalizer of MurmurHash3. */
function mix(checksum: number): number {
  let hash = checksum ^ (checksum >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
