/** The three date formats of RFC 9110 section 5.6.7 begin with a weekday; `Date.parse` alone would accept much more, even `-5`. */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w: -]+$/;

function parseDelay(header: string, nowMs: number): number | undefined {
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  if (!HTTP_DATE.test(header)) return undefined;
  // The asctime form carries no zone, but means UTC.
  const date = Date.parse(header.endsWith("GMT") ? header : `${header} GMT`);
  return Number.isNaN(date) ? undefined : date - nowMs;
}

/**
 * Milliseconds that a `Retry-After` header (RFC 9110 section 10.2.3: seconds, or an HTTP date) asks to wait; the sink's
 * gate bounds it. Undefined when it asks for nothing: absent, unreadable, zero or past. Then the sink's own back-off
 * decides, so that a receiver that always answers `0` is not flooded.
 */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const delayMs = parseDelay(header.trim(), nowMs);
  return delayMs === undefined || !(delayMs > 0) ? undefined : delayMs;
}
