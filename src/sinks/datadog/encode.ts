import type { Clock } from "../../core/clock.ts";
import type { LogRecord, Severity, Timestamp } from "../../core/record.ts";
import type { Resource, Sink } from "../../core/sink.ts";
import { isoTimestamp } from "../timestamp.ts";
import { buildTags } from "./tags.ts";

/**
 * Datadog takes timestamps from 18 h in the past to 2 h in the future and drops others after a 202, in silence. Half an
 * hour is kept for the way there.
 */
const MAX_PAST_MS = 17.5 * 3_600_000;
const MAX_FUTURE_MS = 1.5 * 3_600_000;

/** What the record says of itself beyond Datadog's own fields; becomes `tailcar.split` and `tailcar.originalTimestamp`. */
interface Annotations {
  readonly split: string | undefined;
  readonly originalTimestamp: string | undefined;
}

/** Datadog's status of an OpenTelemetry severity number. */
export function toStatus({ number }: Severity): string {
  if (number <= 8) return "debug";
  if (number <= 12) return "info";
  if (number <= 16) return "warn";
  return number <= 20 ? "error" : "critical";
}

const isTaken = ({ epochMs }: Timestamp, nowMs: number): boolean =>
  epochMs >= nowMs - MAX_PAST_MS && epochMs <= nowMs + MAX_FUTURE_MS;

function annotate(record: LogRecord, original: Timestamp | undefined): Annotations | undefined {
  if (record.split === undefined && original === undefined) return undefined;
  return { split: record.split, originalTimestamp: original === undefined ? undefined : isoTimestamp(original) };
}

/** The members that are the record's own, up to its message. */
function headOf(record: LogRecord, nowMs: number): string {
  const { timestamp, severity } = record.fields;
  if (timestamp === undefined && severity === undefined && record.split === undefined) return '{"message":';
  const late = timestamp !== undefined && !isTaken(timestamp, nowMs);
  const own = {
    status: severity === undefined ? undefined : toStatus(severity),
    timestamp: late ? nowMs : timestamp?.epochMs,
    tailcar: annotate(record, late ? timestamp : undefined),
  };
  return `${JSON.stringify(own).slice(0, -1)},"message":`;
}

/**
 * Encodes a body of `POST /api/v2/logs`: a JSON array with one object a record.
 * Source: Datadog API reference, "Send logs", `HTTPLogItem`.
 *
 * What all records have in common is made once and stands behind the message; what is the record's own, before it.
 */
export function createDatadogEncoder(
  resource: Resource,
  options: { readonly ddsource: string; readonly tags: readonly string[] },
  clock: Clock,
): Sink["encode"] {
  const { ddsource } = options;
  const { service, host: hostname } = resource;
  const tail = `,${JSON.stringify({ ddsource, service, hostname, ddtags: buildTags(resource, options.tags) }).slice(1)}`;

  return (records, body) => {
    const nowMs = Math.trunc(clock.now());
    body.text("[");
    for (const [index, record] of records.entries()) {
      if (index > 0) body.text(",");
      body.quoted(headOf(record, nowMs), record, tail);
    }
    body.text("]");
  };
}
