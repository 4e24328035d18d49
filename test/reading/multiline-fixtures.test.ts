import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { auto, presets } from "../../src/records/multiline/registry.ts";
import { join } from "./join-lines.ts";
import { shuffled } from "../support/shuffled.ts";

const FOLDER = fileURLToPath(new URL("../../fixtures/multiline/", import.meta.url));

/** Records as they were written; blank lines around them are none of theirs. */
const recordsOf = (name: string): readonly string[] =>
  readFileSync(FOLDER + name, "utf8")
    .split("%%\n")
    .map((record) => record.replace(/^\n+|\n+$/g, ""));

const names = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));
const traces = names.flatMap(recordsOf);

const LINES = [
  "2026-01-02 03:04:05,678 ERROR payment failed",
  "2026-01-02 03:04:05,678 INFO  started",
  '{"level":50,"msg":"Error: no"}',
  '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 17 "-" "curl"',
  "This is not an exception.",
  "  an indented line",
  "panic: it only says so",
  "java.lang.OutOfMemoryError: Java heap space",
];

test.each(names)("traces are whole, by the language's preset and by auto: %s", (name) => {
  const records = recordsOf(name);
  const lines = records.flatMap((record) => [...record.split("\n"), "next"]);
  const expected = records.flatMap((record) => [record, "next"]);
  const preset = presets[name.replace(/[-.].*/, "")];
  expect(preset && join(lines, preset).records).toEqual(expected);
  expect(join(lines, auto).records).toEqual(expected);
});

test("shuffled by record with other lines, nothing is joined that does not belong together, and 95 % of the traces are whole", () => {
  let whole = 0;
  let total = 0;
  const wrong: string[] = [];
  for (let seed = 1; seed <= 200; seed += 1) {
    const records = shuffled([...traces, ...LINES, ...LINES], seed);
    const owner = records.flatMap((record, index) => record.split("\n").map(() => index));
    const found = join(
      records.flatMap((record) => record.split("\n")),
      auto,
    ).records;
    // Which of the lines written each record begins with follows from the order: blank lines apart, none is left out.
    const texts = records.flatMap((record) => record.split("\n"));
    let at = 0;
    for (const record of found) {
      while (texts[at] === "") at += 1;
      const owners = new Set(record.split("\n").map((_, line) => owner[at + line]));
      if (owners.size > 1) wrong.push(record);
      at += record.split("\n").length;
    }
    const joined = new Set(found);
    total += traces.length;
    whole += traces.filter((trace) => joined.has(trace)).length;
  }
  expect(wrong).toEqual([]);
  expect(whole / total).toBeGreaterThanOrEqual(0.95);
});
