import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AgentEvent } from "../../src/core/events.ts";
import { describeEvent, type LogLine } from "../../src/telemetry/describe.ts";

const loss = { sink: "splunk", file: 1, path: "/l/a.log", from: 1_024, to: 3_072, reason: "truncated", at: 0 };

const balanced = {
  totalBytes: 10,
  deliveredBytes: 4,
  filteredBytes: 1,
  deadLetteredBytes: 2,
  lostBytes: 0,
  skippedBytes: 0,
  spilledBytes: 0,
  spilledRecords: 0,
  abandonedBytes: 0,
  pendingBytes: 3,
  deliveredRecords: 2,
  imbalanceBytes: 0,
};

const cases: readonly (readonly [AgentEvent, LogLine["level"], readonly string[]])[] = [
  [{ kind: "agent.state", state: "draining", reason: "SIGTERM" }, "info", ["draining", "SIGTERM"]],
  [
    {
      kind: "agent.started",
      version: "1.2.3",
      node: "26.1.0",
      file: "/etc/tailcar.yaml",
      stateDir: "/state",
      sources: ["app"],
      sinks: ["dd", "out"],
    },
    "info",
    ["1.2.3", "26.1.0", "/etc/tailcar.yaml", "/state", "app", "dd, out"],
  ],
  [{ kind: "agent.failed", reason: "state directory /s is in use" }, "error", ["/s is in use"]],
  [{ kind: "agent.state", state: "running" }, "info", ["running"]],
  [{ kind: "file.found", path: "/l/a.log", size: 5 }, "info", ["/l/a.log"]],
  [{ kind: "file.rotated", path: "/l/a.log", now: "/l/a.log.1" }, "info", ["/l/a.log", "/l/a.log.1"]],
  [{ kind: "file.deleted", path: "/l/a.log", unreadBytes: 7 }, "warn", ["/l/a.log", "deleted"]],
  [{ kind: "file.truncated", path: "/l/a.log", size: 1, seen: 9, lostBytes: 0 }, "info", ["/l/a.log"]],
  [
    { kind: "file.truncated", path: "/l/a.log", size: 1, seen: 9, lostBytes: 8, copy: "/l/a.log.1" },
    "info",
    ["/l/a.log.1", "8 B"],
  ],
  [{ kind: "file.ambiguous", path: "/l/a", chosen: "/l/b", others: ["/l/c"] }, "warn", ["/l/a", "/l/b", "/l/c"]],
  [{ kind: "file.damaged", path: "/l/a.gz", readableBytes: 1_024, missingBytes: 7 }, "error", ["/l/a.gz", "7 B"]],
  [{ kind: "file.hole", path: "/l/a.log", bytes: 1_024 }, "info", ["/l/a.log", "1.0 KiB"]],
  [
    { kind: "file.heldReleased", path: "/l/a.log", heldBytes: 2_048, lostBytes: 1_024, reason: "lowDisk" },
    "error",
    ["/l/a.log", "2.0 KiB", "1.0 KiB", "disk"],
  ],
  [{ kind: "file.removed", path: "/l/a.log.1", bytes: 5 }, "info", ["/l/a.log.1"]],
  [{ kind: "file.notRemoved", path: "/l/a.log.1", reason: "EROFS" }, "warn", ["/l/a.log.1", "EROFS"]],
  [{ kind: "file.released", path: "/l/a.log" }, "debug", ["/l/a.log"]],
  [{ kind: "file.refused", path: "/l/a.log", reason: "leads to /etc" }, "warn", ["/l/a.log", "leads to /etc"]],
  [{ kind: "file.unreadable", path: "/l/a.log", reason: "EACCES" }, "error", ["/l/a.log", "EACCES"]],
  [{ kind: "file.format", path: "/l/a.log", format: "json" }, "info", ["/l/a.log", "json"]],
  [{ kind: "file.format", path: "/l/a.log", stream: "stderr", format: "klog" }, "info", ["/l/a.log", "stderr", "klog"]],
  [{ kind: "file.starts", path: "/l/a.log", shape: "0000-#-#" }, "info", ["/l/a.log", "0000-#-#"]],
  [{ kind: "files.none", roots: ["/l"] }, "warn", ["/l"]],
  [{ kind: "sink.undelivered", sink: "splunk", pendingBytes: 2_048 }, "warn", ["splunk has not received 2.0 KiB"]],
  [
    { kind: "sink.failing", sink: "dd", reason: "HTTP 503", failures: 1, waitMs: 32 },
    "warn",
    ["next attempt in 32 ms"],
  ],
  [
    { kind: "sink.failing", sink: "dd", reason: "HTTP 503", failures: 1, waitMs: 320 },
    "warn",
    ["next attempt in 0.3 s"],
  ],
  [
    { kind: "sink.spilled", sink: "splunk", to: "console", spilledBytes: 2_048, spilledRecords: 3 },
    "warn",
    ["splunk", "console", "2.0 KiB", "3 record"],
  ],
  [{ kind: "sink.abandoned", sink: "splunk", pendingBytes: 2_048 }, "warn", ["splunk", "2.0 KiB"]],
  [
    { kind: "config.invalid", file: "t.yaml", problems: ["t.yaml:1:2: a", "t.yaml:3:4: b"], consequence: "waiting" },
    "error",
    ["t.yaml:1:2: a; t.yaml:3:4: b", "waiting"],
  ],
  [{ kind: "config.reloaded", file: "t.yaml" }, "info", ["t.yaml"]],
  [{ kind: "config.unchanged", file: "t.yaml" }, "info", ["t.yaml"]],
  [{ kind: "config.stateDirChanged", from: "/old", to: "/new" }, "warn", ["/old", "/new", "startAt"]],
  [{ kind: "stdin.waiting", reason: "full" }, "warn", ["full"]],
  [{ kind: "stdin.resumed" }, "info", ["stdin"]],
  [{ kind: "stdin.lost", bytes: 12, reason: "ENOSPC" }, "error", ["12 bytes", "ENOSPC"]],
  [{ kind: "watch.failed", reason: "ENOSPC" }, "warn", ["ENOSPC"]],
  [{ kind: "server.listening", address: "0.0.0.0:9600" }, "info", ["0.0.0.0:9600"]],
  [{ kind: "server.failed", address: ":9600", reason: "EADDRINUSE" }, "error", [":9600", "EADDRINUSE", "shipping"]],
  [{ kind: "data.lost", loss }, "error", ["splunk", "1024", "3072", "2.0 KiB", "/l/a.log", "truncated"]],
  [
    { kind: "sink.failing", sink: "splunk", reason: "503", waitMs: 1_500, failures: 1 },
    "warn",
    ["splunk", "503", "1.5 s"],
  ],
  [
    { kind: "sink.blocked", sink: "splunk", reason: "401", waitMs: 2_000, failures: 2 },
    "error",
    ["splunk", "401", "2.0 s"],
  ],
  [{ kind: "sink.warning", sink: "splunk", warning: "careful" }, "warn", ["splunk", "careful"]],
  [{ kind: "sink.recovered", sink: "splunk", outageMs: 60_000 }, "info", ["splunk", "60.0 s"]],
  [{ kind: "sink.ended", sink: "stdout", reason: "EPIPE" }, "info", ["stdout", "EPIPE"]],
  [{ kind: "sink.unconfirmed", sink: "splunk", records: 3 }, "warn", ["splunk", "3", "confirm"]],
  [{ kind: "sink.deadLettered", sink: "splunk", records: 3, reason: "400" }, "error", ["splunk", "3", "400"]],
  [
    { kind: "sink.recordStuck", sink: "splunk", path: "/l/a.log", offset: 70, failures: 10, reason: "500" },
    "error",
    ["splunk", "70", "/l/a.log", "10", "500", "retry.giveUpAfter"],
  ],
  [{ kind: "sink.slowLine", sink: "splunk", maxBytes: 2_500_000 }, "warn", ["splunk", "2.4 MiB", "timeout.total"]],
  [{ kind: "sink.deadLettersStuck", sink: "splunk", reason: "full" }, "error", ["splunk", "full"]],
  [
    { kind: "sink.account", sink: "splunk", account: balanced },
    "info",
    [
      "splunk",
      "10",
      "delivered 4",
      "filtered 1",
      "deadLettered 2",
      "lost 0",
      "skipped 0",
      "pending 3",
      "2 records",
      "balanced",
    ],
  ],
  [
    { kind: "sink.account", sink: "splunk", account: { ...balanced, spilledBytes: 6, abandonedBytes: 7 } },
    "info",
    ["spilled 6", "abandoned 7"],
  ],
  [
    { kind: "sink.account", sink: "splunk", account: { ...balanced, imbalanceBytes: 5 } },
    "info",
    ["NOT balanced", "5"],
  ],
  [
    { kind: "sink.unbalanced", sink: "splunk", path: "/l/a.log", missingBytes: 5 },
    "error",
    ["splunk", "/l/a.log", "5"],
  ],
  [{ kind: "checkpoint.resumed", files: 2, cursors: 3 }, "info", ["2", "3"]],
  [{ kind: "checkpoint.damaged", file: "/s/j", line: 4, consequence: "twice" }, "error", ["/s/j", "4", "twice"]],
  [{ kind: "checkpoint.failed", reason: "ENOSPC" }, "error", ["ENOSPC"]],
  [{ kind: "checkpoint.restored" }, "info", ["durable"]],
];

describe("an event", () => {
  test.each(cases)("%j is told as %s", (event, level, words) => {
    const line = describeEvent(event);
    expect(line.level).toBe(level);
    for (const word of words) expect(line.message).toContain(word);
    expect(line.message).not.toMatch(/undefined|NaN|\[object/);
  });

  test("of each kind there is stands in this table", () => {
    const text = readFileSync(new URL("../../src/core/events.ts", import.meta.url), "utf8");
    const kinds = [...text.matchAll(/readonly kind: "([^"]+)"/g)].map((match) => match[1]);
    expect(kinds.length).toBeGreaterThan(20);
    expect(new Set(cases.map(([{ kind }]) => kind))).toEqual(new Set(kinds));
  });
});
