import { defineSink } from "../../core/sink-definition.ts";
import { batchLimits } from "../batch-options.ts";
import { createHttpSink } from "../http/sink.ts";
import { classifyDatadog } from "./classify.ts";
import { DATADOG_PATH, datadogSchema, MAX_RECORD_BYTES } from "./config.ts";
import { createDatadogEncoder, isLate } from "./encode.ts";

/** Half of the time that the encoder leaves between what it takes for late and what Datadog does. */
const BODY_LASTS_MS = 15 * 60_000;

/** Datadog logs, by the HTTP intake v2. */
export const datadog = defineSink({
  type: "datadog",
  schema: datadogSchema,
  create(options, context) {
    return createHttpSink({
      endpoint: options.endpoint ?? `https://http-intake.logs.${options.site}${DATADOG_PATH}`,
      options,
      limits: batchLimits(options.batch, MAX_RECORD_BYTES),
      context,
      secret: options.apiKey,
      headers: () => ({
        "content-type": "application/json",
        "dd-api-key": options.apiKey.reveal().trim(),
        "dd-evp-origin": "tailcar",
        "dd-evp-origin-version": context.version,
      }),
      encode: createDatadogEncoder(context.resource, options, context.clock),
      classify: classifyDatadog,
      more: { isLate, bodyLastsMs: BODY_LASTS_MS },
    });
  },
});
