import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { appears } from "../../src/commands/exit-when.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { AgentEvent } from "../../src/core/events.ts";
import { sleepingClock } from "../demo/clock.ts";

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "tailcar-exit-when-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Looks at `path`; `onSleep` is called between two looks. */
async function look(path: string, clock: Clock, stop: AbortSignal = new AbortController().signal) {
  const events: AgentEvent[] = [];
  const found = await appears(path, { clock, emit: (event) => void events.push(event) }, stop);
  return { found, events };
}

test("is told of a file that is there, and of one that appears", async () => {
  const file = join(scratch(), "done");
  const appearing = sleepingClock((elapsedMs) => {
    if (elapsedMs >= 3_000) writeFileSync(file, "");
  });
  expect(await look(file, appearing)).toEqual({ found: true, events: [] });
  expect(appearing.elapsed()).toBe(3_000);
  expect(await look(file, sleepingClock())).toEqual({ found: true, events: [] });
});

test("gives up when it is stopped; what keeps it from looking is told once", async () => {
  const directory = scratch();
  writeFileSync(join(directory, "file"), "");
  const file = join(directory, "file", "done");
  const stop = new AbortController();
  const clock = sleepingClock((elapsedMs) => {
    if (elapsedMs >= 3_000) stop.abort();
  });
  expect(await look(file, clock, stop.signal)).toEqual({
    found: false,
    events: [{ kind: "file.unreadable", path: file, reason: "ENOTDIR" }],
  });
});
