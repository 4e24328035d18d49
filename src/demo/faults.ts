export type Vendor = "datadog" | "splunk";

export interface Fault {
  readonly status: 429 | 503;
  /** Whole seconds. */
  readonly retryAfter?: number;
}

/** Times in milliseconds; the first outage begins after `offsetMs`, the next ones `everyMs` apart. */
interface Outages {
  readonly everyMs: number;
  readonly offsetMs: number;
  readonly lengthMs: number;
  readonly fault: Fault;
}

const OUTAGES: Readonly<Record<Vendor, Outages>> = {
  datadog: { everyMs: 17_000, offsetMs: 1_500, lengthMs: 1_500, fault: { status: 429, retryAfter: 1 } },
  splunk: { everyMs: 13_000, offsetMs: 5_000, lengthMs: 2_000, fault: { status: 503 } },
};

/** The fault that a vendor's intake answers with at this time since its start, if it has an outage then. */
export function faultAt(vendor: Vendor, elapsedMs: number): Fault | undefined {
  const { everyMs, offsetMs, lengthMs, fault } = OUTAGES[vendor];
  const sinceMs = elapsedMs - offsetMs;
  return sinceMs >= 0 && sinceMs % everyMs < lengthMs ? fault : undefined;
}
