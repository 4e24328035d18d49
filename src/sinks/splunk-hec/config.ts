import { z } from "zod";
import { atLeast, duration, secret } from "../../core/options.ts";
import { batchOptions } from "../batch-options.ts";
import { endpoint, httpOptions } from "../http/config.ts";

const HEC_PATH = "/services/collector/event";

/** `max_content_length` of `limits.conf [http_input]` in current releases. Older ones and Splunk Cloud take 1,000,000. */
const MAX_BYTES = 838_860_800;
const MAX_RECORDS = 100_000;

export const splunkHecSchema = z.strictObject({
  endpoint: endpoint(HEC_PATH)
    .refine((url) => !new URL(url).pathname.includes("/raw"), "expected the event endpoint, not the raw one")
    .describe(`URL of the HTTP Event Collector, like https://splunk:8088. A URL without a path gets ${HEC_PATH}.`),
  token: secret().describe("HEC token, for example ${SPLUNK_HEC_TOKEN} or ${file:/run/secrets/hec}."),
  index: z.string().min(1).optional().describe("Index for the events. Without it the token's default index is used."),
  sourcetype: z
    .string()
    .min(1)
    .optional()
    .describe("Source type of all events. Without it JSON objects get _json and other lines the token's default."),
  fields: z
    .record(z.string().min(1), z.string())
    .prefault({})
    .describe(
      "Indexed fields for every event, in addition to those made from the resource (service, env, version, attributes).",
    ),
  acknowledge: z
    .boolean()
    .prefault(false)
    .describe(
      "Indexer acknowledgement: a batch counts as delivered when Splunk says that it is indexed, not when it is received. The token must have it enabled.",
    ),
  ackInterval: atLeast(duration(), 100, "100ms")
    .prefault("2s")
    .describe("With acknowledge: how often Splunk is asked what is indexed, in one request for all open batches."),
  ackTimeout: atLeast(duration(), 100, "100ms")
    .prefault("5m")
    .describe("With acknowledge: what is not confirmed as indexed within this time is sent again."),
  batch: batchOptions({
    defaultRecords: 5_000,
    maxRecords: MAX_RECORDS,
    defaultBytes: "1MB",
    maxBytes: MAX_BYTES,
    why: "Splunk refuses more in one request",
    defaultAge: "1s",
  }),
  ...httpOptions,
});

export type SplunkHecOptions = z.output<typeof splunkHecSchema>;
