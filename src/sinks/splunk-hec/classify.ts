import { z } from "zod";
import type { Outcome } from "../../core/outcome.ts";
import type { HttpReply } from "../http/client.ts";
import { classifyStatus, describeReply, retryReply } from "../http/reply.ts";

/** Response of HEC: `{"text", "code", "invalid-event-number"?, "ackId"?}`. */
const responseSchema = z.object({
  code: z.int(),
  ackId: z.int().min(0).optional().catch(undefined),
  "invalid-event-number": z.int().min(0).optional().catch(undefined),
});

/** Success; success with the queue nearly full; success with the acknowledgements nearly full. */
const SUCCESS: ReadonlySet<number> = new Set([0, 24, 25]);
/** Server error, busy, unhealthy, shutting down, at capacity. */
const TRANSIENT: ReadonlySet<number> = new Set([8, 9, 18, 19, 20, 23, 26, 27]);
/** No data, invalid format, event required, event blank, bad indexed fields. */
const BAD_DATA: ReadonlySet<number> = new Set([5, 6, 12, 13, 15]);

function parseResponse(body: string): z.output<typeof responseSchema> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // A proxy's page, or a body that was cut: without a code the HTTP status decides.
    return undefined;
  }
  return responseSchema.safeParse(value).data;
}

/** The number under which Splunk tells of this request whether it is indexed. */
export const ackIdOf = (reply: HttpReply): number | undefined => parseResponse(reply.body)?.ackId;

/**
 * What a response of HEC means. Delivered is only HTTP 200 with code 0, 24 or 25. A 400 is decided by its code: bad data is
 * `rejected`, with the number of the bad event if Splunk names it (what stands before it is indexed); any other code, or
 * none, is a fault of our configuration, and the data is kept.
 * Source: Splunk documentation, "Troubleshoot HTTP Event Collector", possible error codes.
 */
export function classifySplunk(reply: HttpReply, nowMs: number): Outcome {
  const response = parseResponse(reply.body);
  if (reply.status === 200 && response !== undefined && SUCCESS.has(response.code)) return { kind: "delivered" };
  const byStatus = classifyStatus(reply, nowMs);
  if (byStatus !== undefined) return byStatus;
  if (response !== undefined && TRANSIENT.has(response.code)) return retryReply(reply, nowMs);
  if (response !== undefined && BAD_DATA.has(response.code)) {
    return { kind: "rejected", reason: describeReply(reply), firstBad: response["invalid-event-number"] };
  }
  return { kind: "blocked", reason: `the settings are refused: ${describeReply(reply)}` };
}
