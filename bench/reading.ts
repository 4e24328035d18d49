/**
 * What reading a file costs beyond its lines: joining, and redaction. Read from the page cache, as the agent reads it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuUsage } from "node:process";
import { BufferPool } from "../src/core/buffer-pool.ts";
import { START } from "../src/core/position.ts";
import type { RecordTransformer } from "../src/core/transform.ts";
import { fingerprintOf } from "../src/files/identity.ts";
import { LogFile, type SourceSettings } from "../src/files/log-file.ts";
import { SegmentReader } from "../src/reading/reader.ts";
import type { TransformOptions } from "../src/transforms/config.ts";
import { createTransformers } from "../src/transforms/transformer.ts";

const SOURCE: SourceSettings = {
  name: "app",
  include: [],
  exclude: [],
  format: "raw",
  startAt: "beginning",
  maxRecordBytes: 900_000,
  maxRecordLines: 5_000,
  flushAfter: 0,
  allowedRoots: [],
  rotated: { grace: 0, dirs: [], maxHeldBytes: 0, policy: "release" },
};

const plain = (n: number): string => `order ${n} placed, payment authorised and stock reserved after ${n % 400} ms`;
const stamped = (n: number): string => `2026-01-02 03:04:05,678 INFO  [main] c.e.shop.Checkout - ${plain(n)}`;
const trace = (n: number): string =>
  [
    `java.lang.IllegalStateException: order ${n} was declined`,
    ...Array.from(
      { length: 10 },
      (_, frame) => `\tat com.example.shop.Checkout.step${frame}(Checkout.java:${n % 900})`,
    ),
    `Caused by: java.net.SocketTimeoutException: Read timed out`,
    ...Array.from({ length: 6 }, (_, frame) => `\tat com.example.net.Client.read${frame}(Client.java:${n % 900})`),
    "\t... 9 more",
  ].join("\n");
const failure = (n: number): string => `${stamped(n).replace("INFO ", "ERROR")}\n${trace(n)}`;

export interface ReadingRow {
  readonly name: string;
  readonly multiline: "none" | "auto";
  readonly record: (n: number) => string;
  readonly redact?: NonNullable<TransformOptions["redact"]>["patterns"];
}

export const READING_ROWS: readonly ReadingRow[] = [
  { name: "plain lines, not joined", multiline: "none", record: plain },
  { name: "plain lines, joined by auto", multiline: "auto", record: plain },
  { name: "log lines with a time", multiline: "auto", record: stamped },
  { name: "log lines, 2 % with a trace", multiline: "auto", record: (n) => (n % 50 === 0 ? failure(n) : stamped(n)) },
  { name: "stack traces only", multiline: "auto", record: trace },
  {
    name: "plain lines, redacted",
    multiline: "none",
    record: plain,
    redact: ["creditCard", "email", "bearerToken", "jwt", "awsKey"],
  },
];

export interface ReadingCost {
  readonly bytes: number;
  readonly lines: number;
  readonly records: number;
  /** Of each run. */
  readonly cpuMicroseconds: readonly number[];
}

/** Reads a file of about so many bytes several times, from its beginning to its end. */
export async function costOf(
  { multiline, record, redact }: ReadingRow,
  bytes: number,
  runs: number,
): Promise<ReadingCost> {
  const directory = mkdtempSync(join(tmpdir(), "tailcar-bench-"));
  try {
    const path = join(directory, "app.log");
    const unit = Array.from({ length: 100 }, (_, n) => `${record(n)}\n`).join("");
    const count = 100 * Math.ceil(bytes / unit.length);
    const text = Array.from({ length: count }, (_, n) => `${record(n)}\n`).join("");
    writeFileSync(path, text);
    const handle = await open(path);
    const transformers = redact === undefined ? undefined : redacting(redact);
    const file = fileOf(path, Buffer.from(text), { ...SOURCE, multiline });
    file.handle = handle;
    const cpuMicroseconds: number[] = [];
    let records = 0;
    for (let run = 0; run < runs; run += 1) {
      const before = cpuUsage();
      records = await readThrough(file, transformers);
      const { user, system } = cpuUsage(before);
      cpuMicroseconds.push(user + system);
    }
    await handle.close();
    return { bytes: text.length, lines: text.split("\n").length - 1, records, cpuMicroseconds };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const redacting = (patterns: NonNullable<ReadingRow["redact"]>): ReadonlyMap<string, RecordTransformer> =>
  createTransformers([{ redact: { patterns, replacement: "[REDACTED:{name}]" } }], [SOURCE.name], {
    resource: { host: "bench", attributes: {} },
  });

function fileOf(path: string, content: Buffer, source: SourceSettings): LogFile {
  return new LogFile({
    id: 1,
    source,
    stream: path,
    origin: path,
    path,
    born: 0n,
    followedSince: 0,
    identity: { device: 0n, inode: 0n, birthtimeNs: 0n, head: fingerprintOf(content.subarray(0, 1_024)) },
    size: content.length,
    mtimeNs: 0n,
    grownAtMs: 0,
  });
}

/** Returns how many records there were. */
async function readThrough(
  file: LogFile,
  transformers: ReadonlyMap<string, RecordTransformer> | undefined,
): Promise<number> {
  const reader = new SegmentReader({
    reopen: async () => true,
    emit: () => undefined,
    remember: () => undefined,
    pool: new BufferPool(8 * 1_024 ** 2),
    cacheBytes: 0,
    sinks: 1,
    ...(transformers === undefined ? {} : { transformers }),
  });
  let records = 0;
  for (let position = START; ;) {
    const result = await reader.read(file, position, false);
    if (result.kind !== "segment") return records;
    records += result.segment.records.length;
    position = result.segment.advance(position, result.segment.end);
    result.segment.release();
  }
}
