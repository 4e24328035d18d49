import { describe, expect, test } from "vitest";
import { type Progress, progressLine } from "../../src/demo/progress-line.ts";

const progress = (writtenLines: number, pendingBytes: number): Progress => {
  const sink = (name: string, failure?: string) => ({ name, deliveredRecords: writtenLines, pendingBytes, failure });
  const sinks = [sink("datadog", "HTTP 429: busy"), sink("splunk", "connection refused"), sink("stdout")];
  return { elapsedMs: 12_345, writtenLines, rotations: 3, sinks };
};

describe("the live line", () => {
  test("has a long and a short form", () => {
    expect(progressLine(progress(1_234, 1_536), 120)).toBe(
      "12s 1,234 written, 3 rotations | datadog 1,234 +1.5 KiB HTTP 429 | splunk 1,234 +1.5 KiB connection refus | stdout 1,234 +1.5 KiB ok",
    );
    expect(progressLine(progress(1_234, 1_536), 77)).toBe(
      "1234 written  datadog 1234+2K 429  splunk 1234+2K failing  stdout 1234+2K ok",
    );
  });

  test("shows nothing where nothing is pending", () => {
    expect(progressLine(progress(12_345, 0), 77)).toBe(
      "12.3k written  datadog 12.3k 429  splunk 12.3k failing  stdout 12.3k ok",
    );
  });
});
