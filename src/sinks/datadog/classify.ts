import type { Outcome } from "../../core/outcome.ts";
import type { HttpReply } from "../http/client.ts";
import { classifyStatus, describeReply } from "../http/reply.ts";

/**
 * What a response of the v2 logs intake means. Only 202 is a delivery. A 400 is a bad payload: some of the records will
 * never be taken, and the pipeline finds out which.
 * Source: Datadog API reference, "Send logs", responses.
 */
export function classifyDatadog(reply: HttpReply, nowMs: number): Outcome {
  if (reply.status === 202) return { kind: "delivered" };
  return classifyStatus(reply, nowMs) ?? { kind: "rejected", reason: describeReply(reply) };
}
