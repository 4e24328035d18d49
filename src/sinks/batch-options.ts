import { z } from "zod";
import type { BatchLimits } from "../core/sink.ts";
import { duration, size } from "../core/options.ts";

/** What a vendor takes in one request. `defaultBytes` is written with its unit. */
export interface BatchCaps {
  readonly defaultRecords: number;
  readonly maxRecords: number;
  readonly defaultBytes: string;
  readonly maxBytes: number;
  /** Completes the error message of a value that is too high, e.g. `Datadog refuses more in one request`. */
  readonly why: string;
  readonly defaultAge: string;
}

/** A smaller batch could not hold one record with its envelope, tags and fields. */
const MIN_BATCH_BYTES = 16_384;

/** Option `batch`: a user may lower the vendor's limits, never exceed them. */
export const batchOptions = (caps: BatchCaps) =>
  z
    .strictObject({
      maxRecords: z
        .int()
        .min(1)
        .max(caps.maxRecords, `expected at most ${caps.maxRecords}: ${caps.why}`)
        .prefault(caps.defaultRecords)
        .describe(`Most records in one request, up to ${caps.maxRecords}.`),
      maxBytes: size()
        .refine((bytes) => bytes <= caps.maxBytes, `expected at most ${caps.maxBytes}B: ${caps.why}`)
        .refine((bytes) => bytes >= MIN_BATCH_BYTES, `expected at least ${MIN_BATCH_BYTES}B, to hold any one record`)
        .prefault(caps.defaultBytes)
        .describe(`Largest body of one request before compression, up to ${caps.maxBytes}B.`),
      maxAge: duration()
        .prefault(caps.defaultAge)
        .describe("An incomplete batch is sent when its first record has waited this long."),
    })
    .prefault({})
    .describe("When a batch is full. The first limit that is reached sends it.");

/** The limits for the pipeline. `maxRecordBytes` is the vendor's limit on one encoded record; a batch must hold it whole. */
export function batchLimits(
  batch: z.output<ReturnType<typeof batchOptions>>,
  maxRecordBytes: number = batch.maxBytes,
): BatchLimits {
  return {
    maxRecords: batch.maxRecords,
    maxBytes: batch.maxBytes,
    maxRecordBytes: Math.min(maxRecordBytes, batch.maxBytes),
    maxAgeMs: batch.maxAge,
  };
}
