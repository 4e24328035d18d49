import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Account, numberedLine, type NumberedLine } from "./accounting.ts";
import { NODE } from "./agent-process.ts";

test("an account tells lost, repeated, misplaced and invented lines apart", () => {
  const account = new Account();
  for (const [seq, at] of [
    [0, 0],
    [1, 10],
    [4, 20],
    [3, 30],
    [1, 40],
    [9, 50],
  ] as const)
    account.see("a", seq, at);
  expect(account.faults({ a: 9, b: 2 })).toEqual([
    "a: 9 was never written",
    "a: 2-2 lost",
    "a: 5-8 lost",
    "b: 0-1 lost",
  ]);
  expect([account.seen, account.duplicates, account.disorders]).toEqual([5, 1, ["a: 3 after 4 at 30"]]);
  expect(account.repeatsOutside([{ from: 10, to: 10 }])).toEqual([]);
  expect(account.repeatsOutside([{ from: 11, to: 99 }])).toEqual(["a: 1 seen at 10 and at 40"]);
});

test("a complete account has no faults, also past its first size", () => {
  const account = new Account();
  for (let seq = 0; seq < 5_000; seq += 1) account.see("a", seq, seq);
  expect(account.isComplete({ a: 5_000 })).toBe(true);
  expect(account.isComplete({ a: 5_001 })).toBe(false);
});

const generation = (name: string): number => Number(/\.log\.(\d+)$/.exec(name)?.[1] ?? 0);

/** All numbered lines of the directory, oldest generation first within each file. */
function linesOf(dir: string): NumberedLine[] {
  const names = readdirSync(dir).sort((a, b) => generation(b) - generation(a));
  const lines = names.flatMap((name) => readFileSync(join(dir, name), "utf8").split("\n"));
  return lines.flatMap((line) => numberedLine(line) ?? []);
}

test.each([
  ["shift", 0],
  ["unique", 0],
])("the log writer rotates by %s and every line it reports is on disk, in order", (scheme, keep) => {
  const dir = mkdtempSync(join(tmpdir(), "tailcar-writer-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const options = { dir, files: 2, rate: 2_000, seconds: 1, rotations: 5, scheme, keep };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const report: unknown = JSON.parse(
    execFileSync(NODE, [join(import.meta.dirname, "log-writer.ts"), ...args], { encoding: "utf8" }),
  );
  const account = new Account();
  for (const { file, seq } of linesOf(dir)) account.see(file, seq, 0);
  expect(report).toEqual({ written: { "app-0": 2_000, "app-1": 2_000 }, generations: { "app-0": 5, "app-1": 5 } });
  expect(account.faults({ "app-0": 2_000, "app-1": 2_000 })).toEqual([]);
  expect(account.duplicates).toBe(0);
  expect(readdirSync(dir).length).toBe(12);
  // With `unique` the names sort by chance; the order is only defined for shifted generations.
  expect(scheme === "unique" ? [] : account.disorders).toEqual([]);
});
