import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { residentBytes } from "../../bench/usage.ts";
import { Scene } from "../support/scene.ts";

const MIB = 1_024 ** 2;
const TOTAL_BYTES = 1_024 * MIB;

/** The most that the agent may take, whatever it reads. */
const MOST_BYTES = 200 * MIB;

/** What a line is made of. Nothing else that the agent writes has this byte. */
const TILDE = 0x7e;

function writeLine(path: string): void {
  const file = openSync(path, "w");
  try {
    const piece = Buffer.alloc(8 * MIB, TILDE);
    for (let written = 0; written < TOTAL_BYTES; written += piece.length) writeSync(file, piece);
  } finally {
    closeSync(file);
  }
}

/** How often a byte occurs. */
function count(chunk: Buffer, byte: number): number {
  let found = 0;
  for (const one of chunk) found += one === byte ? 1 : 0;
  return found;
}

test("a line of 1 GiB without an end is shipped in pieces, whole, in bounded memory", async () => {
  const scene = new Scene();
  const file = join(scene.logs, "line.log");
  writeLine(file);
  let bytes = 0;
  let lines = 0;
  let peakBytes = 0;
  const sources = { app: { include: [file], format: "raw" } };
  const agent = scene.agent(
    { sources, sinks: { console: { type: "stdout" } } },
    {
      args: ["--once"],
      onStdout: (chunk) => {
        bytes += count(chunk, TILDE);
        lines += count(chunk, 0x0a);
        if (agent.exit === undefined) peakBytes = Math.max(peakBytes, residentBytes(agent.pid, "VmHWM") || 0);
      },
    },
  );
  expect(await agent.waitExit(600_000)).toEqual({ code: 0, signal: null });
  expect([bytes, lines]).toEqual([TOTAL_BYTES, Math.ceil(TOTAL_BYTES / 900_000)]);
  process.stderr.write(`highest resident memory: ${Math.round(peakBytes / MIB)} MiB\n`);
  expect(peakBytes).toBeGreaterThan(0);
  expect(peakBytes).toBeLessThan(MOST_BYTES);
});
