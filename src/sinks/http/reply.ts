import type { Outcome, Refusal } from "../../core/outcome.ts";
import type { HttpReply } from "./client.ts";
import { parseRetryAfter } from "./retry-after.ts";

const EXCERPT_LENGTH = 200;

/** Of the response to what is refused for good more is kept: a person will want to know why. In UTF-16 units. */
const RESPONSE_LENGTH = 1_000;

export const refusalOf = ({ status, body }: HttpReply): Refusal => ({
  status,
  response: body.slice(0, RESPONSE_LENGTH),
});

/** `HTTP 400: <the start of the body>` on one line without control characters: it goes to logs and terminals. */
export function describeReply({ status, body }: HttpReply): string {
  const excerpt = body
    .slice(0, EXCERPT_LENGTH)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim();
  return excerpt === "" ? `HTTP ${status}` : `HTTP ${status}: ${excerpt}`;
}

/**
 * `retry`, with the wish of the receiver for the two statuses that define one. A date is counted from the receiver's own
 * clock where it tells it, for ours may be hours off.
 */
export function retryReply(reply: HttpReply, nowMs: number): Outcome {
  const mayAsk = reply.status === 429 || reply.status === 503;
  const theirsMs = Date.parse(reply.headers.date ?? "");
  const fromMs = Number.isNaN(theirsMs) ? nowMs : theirsMs;
  const afterMs = mayAsk ? parseRetryAfter(reply.headers["retry-after"], fromMs) : undefined;
  return { kind: "retry", reason: describeReply(reply), afterMs };
}

/**
 * The statuses that mean the same everywhere. Undefined for 200, 400 and what else a vendor gives a meaning of its own.
 * A 2xx that is not the documented success proves no delivery, so the batch is sent again. A redirect is a wrong
 * endpoint: it is not followed, for the request carries credentials.
 */
export function classifyStatus(reply: HttpReply, nowMs: number): Outcome | undefined {
  const { status } = reply;
  if (status === 408 || status === 429 || status >= 500) return retryReply(reply, nowMs);
  if (status === 413) return { kind: "tooLarge", reason: describeReply(reply) };
  if (status === 400) return undefined;
  if (status === 401 || status === 403) {
    return { kind: "blocked", reason: `the credentials are refused: ${describeReply(reply)}` };
  }
  if (status === 407) return { kind: "blocked", reason: `the proxy refuses the credentials: ${describeReply(reply)}` };
  if (status >= 300) return { kind: "blocked", reason: `the endpoint is wrong: ${describeReply(reply)}` };
  return { kind: "retry", reason: `not the documented success: ${describeReply(reply)}` };
}
