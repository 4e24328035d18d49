import { Writable } from "node:stream";
import { BufferPool } from "../../src/core/buffer-pool.ts";
import type { Clock } from "../../src/core/clock.ts";
import { LogRecord, type ParsedFields, type RecordOrigin, type SplitMark } from "../../src/core/record.ts";
import type { SinkDefinition } from "../../src/core/sink-definition.ts";
import type { Resource, Sink, SinkContext } from "../../src/core/sink.ts";
import { systemClock } from "../../src/core/clock.ts";
import { BodyEncoder } from "../../src/pipeline/body/encoder.ts";

export const NOW = Date.parse("2026-01-01T00:00:00Z");

/** A clock that stands still at `now`. */
export const stoppedClock = (now: number = NOW): Clock => ({ now: () => now, elapsed: () => 0, sleep: async () => {} });

export const resource: Resource = { service: "checkout", env: "prod", version: "1.2.3", host: "pod-1", attributes: {} };

export const origin: RecordOrigin = { source: "app", path: "/var/log/app.log" };

/** What the formats promise of `isObject`: true if, and only if, the whole text is one non-empty JSON object. */
export function parseJson(body: string): ParsedFields {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return { message: body };
    return Object.keys(value).length === 0 ? { message: body } : { message: body, isObject: true };
  } catch {
    return { message: body };
  }
}

export interface RecordSettings extends Partial<ParsedFields> {
  readonly split?: SplitMark;
  readonly offset?: number;
  readonly origin?: RecordOrigin;
}

/** A record of `body`, parsed as JSON; the settings override what the parser finds. */
export function record(body: string, settings: RecordSettings = {}): LogRecord {
  const { split, offset = 0, origin: from = origin, ...fields } = settings;
  const parse = (text: string): ParsedFields => ({ ...parseJson(text), ...fields });
  return new LogRecord(body, offset, Buffer.byteLength(body) + 1, from, parse, split);
}

export const discard = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

export const context = (overrides: Partial<SinkContext> = {}): SinkContext => ({
  name: "test",
  resource,
  clock: systemClock,
  stdout: discard(),
  version: "0.1.0",
  ...overrides,
});

/** A sink made from options as they stand in a configuration file. */
export const createSink = (
  definition: SinkDefinition,
  options: Record<string, unknown>,
  overrides: Partial<SinkContext> = {},
): Sink => definition.create(definition.schema.parse(options), context(overrides));

export const never = (): AbortSignal => new AbortController().signal;

const encoder = new BodyEncoder(new BufferPool(1_024 ** 2));

/** The body of a request for these records. */
export const bodyOf = (sink: Pick<Sink, "encode">, records: readonly LogRecord[]): Buffer =>
  Buffer.from(encoder.encode(sink, records));

/** An encoder whose body is seen as text. */
export const asText =
  (encode: Sink["encode"]) =>
  (records: readonly LogRecord[]): string =>
    bodyOf({ encode }, records).toString();
