import { z } from "zod";
import { secret } from "../../core/options.ts";
import { batchOptions } from "../batch-options.ts";
import { endpoint, httpOptions } from "../http/config.ts";

export const DATADOG_PATH = "/api/v2/logs";

/** Limits of the v2 logs intake. Source: Datadog API reference, "Send logs". */
const MAX_RECORDS = 1_000;
const MAX_BYTES = 5_000_000;
export const MAX_RECORD_BYTES = 1_000_000;

export const datadogSchema = z.strictObject({
  apiKey: secret().describe("Datadog API key, for example ${DD_API_KEY} or ${file:/run/secrets/datadog}."),
  site: z
    .string()
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "expected the name of a Datadog site, like datadoghq.eu")
    .prefault("datadoghq.com")
    .describe("Datadog site of the account: datadoghq.com, us3.datadoghq.com, us5.datadoghq.com, datadoghq.eu, ..."),
  endpoint: endpoint(DATADOG_PATH)
    .optional()
    .describe(`Intake to use instead of the site's, such as a proxy. A URL without a path gets ${DATADOG_PATH}.`),
  ddsource: z
    .string()
    .min(1)
    .prefault("tailcar")
    .describe("Technology the logs come from (nodejs, java, nginx, ...). Datadog chooses its pipeline by it."),
  tags: z
    .array(z.string().min(1))
    .prefault([])
    .describe(
      "Tags like team:payments, in addition to those made from the resource (env, version and its attributes).",
    ),
  batch: batchOptions({
    defaultRecords: MAX_RECORDS,
    maxRecords: MAX_RECORDS,
    defaultBytes: "5MB",
    maxBytes: MAX_BYTES,
    why: "Datadog refuses more in one request",
    defaultAge: "1s",
  }),
  ...httpOptions,
});

export type DatadogOptions = z.output<typeof datadogSchema>;
