import { randomUUID } from "node:crypto";
import type { Outcome } from "../../core/outcome.ts";
import { defineSink } from "../../core/sink-definition.ts";
import type { Sink } from "../../core/sink.ts";
import { batchLimits } from "../batch-options.ts";
import { createHttpSink } from "../http/sink.ts";
import { classifySplunk } from "./classify.ts";
import { splunkHecSchema } from "./config.ts";
import { createSplunkEncoder } from "./encode.ts";

/** A number of an event that is not in the batch says nothing about which record is bad. */
const withinBatch = (outcome: Outcome, records: number): Outcome =>
  outcome.kind === "rejected" && outcome.firstBad !== undefined && outcome.firstBad >= records
    ? { kind: "rejected", reason: outcome.reason }
    : outcome;

/** Adds to `sink` that the number of a bad event is checked against the size of the batch. */
function checkEventNumbers(sink: Sink): Sink {
  const sizes = new WeakMap<Buffer, number>();
  return {
    ...sink,
    encode(records) {
      const body = sink.encode(records);
      sizes.set(body, records.length);
      return body;
    },
    async send(body, signal) {
      return withinBatch(await sink.send(body, signal), sizes.get(body) ?? 0);
    },
  };
}

/** Splunk, by the event endpoint of its HTTP Event Collector. */
export const splunkHec = defineSink({
  type: "splunkHec",
  schema: splunkHecSchema,
  create(options, context) {
    const channel = randomUUID();
    const sink = createHttpSink({
      url: options.endpoint,
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
    });
    return checkEventNumbers(sink);
  },
});
