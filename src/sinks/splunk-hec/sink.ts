import { randomUUID } from "node:crypto";
import { defineSink } from "../../core/sink-definition.ts";
import { batchLimits } from "../batch-options.ts";
import { createHttpSink } from "../http/sink.ts";
import { createAcknowledgedSink } from "./acknowledged.ts";
import { classifySplunk } from "./classify.ts";
import { splunkHecSchema } from "./config.ts";
import { createSplunkEncoder } from "./encode.ts";

/** Splunk, by the event endpoint of its HTTP Event Collector. */
export const splunkHec = defineSink({
  type: "splunkHec",
  schema: splunkHecSchema,
  create(options, context) {
    const channel = randomUUID();
    const parts = {
      endpoint: options.endpoint,
      options,
      limits: batchLimits(options.batch),
      context,
      secret: options.token,
      headers: () => ({
        "content-type": "application/json",
        authorization: `Splunk ${options.token.reveal().trim()}`,
        "x-splunk-request-channel": channel,
      }),
      encode: createSplunkEncoder(context.resource, options),
      classify: classifySplunk,
    };
    return options.acknowledge ? createAcknowledgedSink(parts, options) : createHttpSink(parts);
  },
});
