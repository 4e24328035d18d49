import type { BatchLimits, BodyWriter, Sink } from "../../src/core/sink.ts";
import { BufferPool } from "../../src/core/buffer-pool.ts";
import type { FileState, FollowedFile } from "../../src/core/reading.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { LogRecord } from "../../src/core/record.ts";
import { BodyEncoder } from "../../src/pipeline/body/encoder.ts";
import { Segment } from "../../src/core/segment.ts";

export const pool = new BufferPool(1_024 ** 2);
export const encoder = new BodyEncoder(pool);

export const delivered: Outcome = { kind: "delivered" };
export const retry = (reason = "503", afterMs?: number): Outcome => ({ kind: "retry", reason, afterMs });
export const blocked: Outcome = { kind: "blocked", reason: "401" };

export type Answer = (lines: readonly string[], attempt: number, signal: AbortSignal) => Outcome | Promise<Outcome>;

const LIMITS: BatchLimits = { maxRecords: 1_000, maxBytes: 5_000_000, maxRecordBytes: 1_000_000, maxAgeMs: 1_000 };

/** A sink that takes lines of JSON strings. It answers as it is told and remembers what it was sent. */
export class FakeSink implements Sink {
  readonly limits: BatchLimits;
  readonly concurrency: Sink["concurrency"];
  answer: Answer;
  readonly requests: (readonly string[])[] = [];
  /** What it took: the lines of requests that it answered with success. */
  readonly taken: string[] = [];
  refreshes = 0;
  closed = 0;
  inFlight = 0;
  maxInFlight = 0;

  constructor(answer: Answer = () => delivered, limits: Partial<BatchLimits> = {}, concurrency = { min: 1, max: 1 }) {
    this.answer = answer;
    this.limits = { ...LIMITS, ...limits };
    this.concurrency = concurrency;
  }

  encode(records: readonly LogRecord[], body: BodyWriter): void {
    for (const [index, record] of records.entries()) body.quoted(index === 0 ? "" : "\n", record, "");
  }

  async send(body: Buffer, signal: AbortSignal): Promise<Outcome> {
    const lines: readonly string[] = body
      .toString()
      .split("\n")
      .map((line): string => JSON.parse(line));
    this.requests.push(lines);
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    try {
      const outcome = await this.answer(lines, this.requests.length, signal);
      if (outcome.kind === "delivered") this.taken.push(...lines);
      if (outcome.kind === "rejected" && lines[outcome.firstBad ?? -1] !== undefined)
        this.taken.push(...lines.slice(0, outcome.firstBad));
      return outcome;
    } finally {
      this.inFlight -= 1;
    }
  }

  async refresh(): Promise<void> {
    this.refreshes += 1;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

export class FakeFile implements FollowedFile {
  readonly id: number;
  readonly stream: string;
  readonly path: string;
  readonly born = 0n;
  readonly missingFrom: number | undefined = undefined;
  state: FileState = "live";
  deleted = false;
  size: number;

  constructor(id: number, size: number, stream = `/logs/${id}.log`) {
    this.id = id;
    this.size = size;
    this.stream = stream;
    this.path = stream;
  }

  get canGrow(): boolean {
    return this.state === "live" || this.state === "rotated";
  }
}

const origin = { source: "app", path: "/logs/app.log" };

export const recordOf = (body: string, offset = 0, length = Buffer.byteLength(body) + 1): LogRecord =>
  new LogRecord(body, offset, length, origin, () => ({}));

/** A segment of whole lines at an offset. Empty lines are blank ones, which are no records. */
export function segmentOf(text: string, start = 0): Segment {
  const records: LogRecord[] = [];
  let offset = start;
  for (const line of text.split("\n").slice(0, -1)) {
    if (line !== "") records.push(recordOf(line, offset));
    offset += Buffer.byteLength(line) + 1;
  }
  return new Segment(start, offset, records, Buffer.from(text), pool);
}
