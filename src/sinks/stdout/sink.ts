import type { Writable } from "node:stream";
import type { Outcome } from "../../core/outcome.ts";
import { defineSink } from "../../core/sink-definition.ts";
import { batchLimits } from "../batch-options.ts";
import { classifyWrite } from "./classify.ts";
import { stdoutSchema } from "./config.ts";
import { createNdjsonEncoder, encodeRaw } from "./encode.ts";
import { FileWriter } from "./file.ts";

/** A stream tells a failed write twice, to the callback and as an event. The callback is heard; the event must be, or it is thrown. */
const ignoreEvent = (): void => undefined;

/** Resolves when the stream has handed the bytes on, which is the back-pressure: a full pipe keeps the batch waiting. */
function write(stream: Writable, body: Buffer, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    // Bytes given to a stream cannot be taken back; abandoning only stops the waiting.
    const abandon = (): void => resolve({ kind: "retry", reason: "abandoned" });
    signal.addEventListener("abort", abandon, { once: true });
    stream.write(body, (error) => {
      signal.removeEventListener("abort", abandon);
      resolve(classifyWrite(error));
    });
  });
}

/** Standard output of the agent, as NDJSON or as raw lines. One write at a time, so that lines never mix. */
export const stdout = defineSink({
  type: "stdout",
  schema: stdoutSchema,
  create(options, context) {
    const stream = context.stdout;
    const file = FileWriter.for(stream);
    return {
      limits: batchLimits(options.batch),
      concurrency: { min: 1, max: 1 },
      encode: options.format === "raw" ? encodeRaw : createNdjsonEncoder(context.resource),
      async send(body, signal) {
        if (file !== undefined) return file.write(body);
        if (!stream.listeners("error").includes(ignoreEvent)) stream.on("error", ignoreEvent);
        return write(stream, body, signal);
      },
      // The stream is the process's own and stays open, and so does the listener: a late error has no one else to hear it.
      close: async () => undefined,
    };
  },
});
