import { z } from "zod";
import { batchOptions } from "../batch-options.ts";

export const stdoutSchema = z.strictObject({
  format: z
    .enum(["ndjson", "raw"])
    .prefault("ndjson")
    .describe("ndjson: one JSON object a line with the parsed fields. raw: the records as they stand in the files."),
  batch: batchOptions({
    defaultRecords: 1_000,
    maxRecords: 100_000,
    defaultBytes: "1MB",
    maxBytes: 67_108_864,
    why: "more is held in memory at once",
    defaultAge: "200ms",
  }),
});

export type StdoutOptions = z.output<typeof stdoutSchema>;
