import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Application } from "../../src/demo/application.ts";
import { sleepingClock } from "./clock.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "demo-application-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Numbers that look random enough to reach every kind of line, and are the same each time. */
function dice(): () => number {
  let state = 1;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

async function write(seconds: number, isNeeded: (sequence: number) => boolean = () => false): Promise<Application> {
  const stop = new AbortController();
  const clock = sleepingClock((elapsedMs) => {
    if (elapsedMs >= seconds * 1_000) stop.abort();
  });
  const settings = { directory, rate: 100, rotateEveryMs: 2_000, keep: 2 };
  const application = new Application({ ...settings, isNeeded, clock, random: dice() });
  await application.run(stop.signal);
  return application;
}

const contents = (): string => {
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), "utf8"))
    .join("");
};

/** Found without the demo's own code. */
const numbers = (text: string): number[] =>
  text
    .split("\n")
    .slice(0, -1)
    // Of a stack trace only the first line has a number.
    .filter((line) => !line.startsWith("    at "))
    .map((line) => Number(/seq"?[:=](\d+)/.exec(line)?.[1]))
    .sort((a, b) => a - b);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe("the demo's application", () => {
  test("numbers every record of both files through, from 0", async () => {
    const application = await write(10, () => true);
    expect(application.lines).toBeGreaterThan(900);
    expect(numbers(contents())).toEqual(upTo(application.lines));
    expect(Buffer.byteLength(contents())).toBe(application.bytes);
  });

  test("writes JSON lines, stack traces and access lines", async () => {
    await write(10, () => true);
    const lines = contents().split("\n");
    expect(lines.filter((line) => line.startsWith("{")).map((line) => typeof JSON.parse(line))).toContain("object");
    expect(lines.some((line) => line.startsWith("PaymentError: card declined (seq="))).toBe(true);
    expect(lines.some((line) => /^ {4}at charge \(payments\.js:\d+:\d+\)$/.test(line))).toBe(true);
    const combined =
      /^10\.0\.\d\.\d+ - - \[10\/Oct\/2026:13:55:\d\d \+0000\] "GET \/\S* HTTP\/1\.1" \d{3} \d+ "-" ".+"$/;
    expect(lines.some((line) => combined.test(line))).toBe(true);
  });

  test("rotates each file by rename and keeps so many generations", async () => {
    const application = await write(21);
    expect(application.rotations).toBe(20);
    const kept = ["access.log", "access.log.1", "access.log.2", "app.log", "app.log.1", "app.log.2"];
    expect(readdirSync(directory).sort()).toEqual(kept);
    const held = numbers(contents());
    expect(held.at(-1)).toBe(application.lines - 1);
    expect(held.length).toBeLessThan(application.lines);
  });

  test("deletes no generation that is still needed", async () => {
    const application = await write(21, (sequence) => sequence >= 100);
    expect(numbers(contents()).filter((sequence) => sequence >= 100).length).toBe(application.lines - 100);
  });

  test("goes on with the numbers and the generations of an earlier run", async () => {
    const first = await write(5, () => true);
    const second = await write(5, () => true);
    expect(numbers(contents())).toEqual(upTo(first.lines + second.lines));
  });

  test("rejects when its directory can't be made", async () => {
    directory = join(directory, "\0");
    await expect(write(1)).rejects.toThrow("null bytes");
    directory = join(directory, "..");
  });
});
