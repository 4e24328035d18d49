import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compilePattern } from "../../src/core/pattern.ts";
import type { Extent } from "../../src/records/multiline/lines.ts";
import { byPatterns, type JoinPatterns } from "../../src/records/multiline/patterns.ts";
import { recordStart, shapeOf } from "../../src/records/multiline/record-starts.ts";
import { auto, presets } from "../../src/records/multiline/registry.ts";
import { GENEROUS, join } from "./join-lines.ts";

/** What other shippers' own tests expect of joining. Lies beside the project, where it is present at all. */
const CASES = fileURLToPath(new URL("../../../shared/cases/", import.meta.url));

interface Config {
  readonly dialect: string;
  readonly start?: string;
  readonly condition?: string;
  readonly mode?: string;
  readonly pattern?: string;
  readonly negate?: boolean;
  readonly match?: string;
  readonly flush_pattern?: string;
  readonly end?: string;
  readonly max_lines?: number;
}

interface Case {
  readonly id: string;
  readonly class: string;
  readonly lang?: string;
  readonly config?: Config;
  readonly input_lines: readonly string[];
  readonly expected_events: readonly string[];
  readonly alt_expected_events?: readonly (readonly string[])[];
  readonly limits?: { readonly max_bytes: number };
}

/** Those for which we have chosen otherwise; the reasons are in docs/peers-expectations.md. */
const OTHERWISE: ReadonlySet<string> = new Set([
  "lang-java-limit-max-bytes-one-short",
  "lang-java-limit-max-bytes-exact-first-part",
  "pat-beats-max-lines-truncates",
  "pat-dd-match-after-unmatched",
]);

interface Label {
  readonly kind: string;
  readonly line: string;
  readonly expected: boolean;
}

const NONE = '{"cases":[]}';

const textOf = (file: string): string => (existsSync(CASES + file) ? readFileSync(CASES + file, "utf8") : NONE);

function load(file: string): readonly Case[] {
  const { cases }: { readonly cases: readonly Case[] } = JSON.parse(textOf(file));
  return cases.filter(({ id }) => !OTHERWISE.has(id));
}

const languages = load("multiline_lang.json");
const patterns = load("multiline_pattern.json");
const { cases: labels }: { readonly cases: readonly Label[] } = JSON.parse(textOf("multiline_start_labels.json"));

test.skipIf(languages.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(languages).toEqual([]);
});

/** Blank lines that belong to no record are filtered, as the design has it. */
const expectedOf = (events: readonly string[]) =>
  events.filter((event) => event !== "").map((event) => event.trimEnd());

test.each(languages.map((one) => [one.id, one] as const))("%s", (_, one) => {
  const extent = one.lang === "mixed" ? auto : presets[one.lang ?? ""];
  if (extent === undefined) throw new Error(`no preset ${one.lang}`);
  const limits = one.limits === undefined ? GENEROUS : { ...GENEROUS, maxRecordBytes: one.limits.max_bytes };
  const { records } = join(one.input_lines, extent, { limits });
  const found = records.map((record) => record.trimEnd());
  const lines = found.join("\n").split("\n").filter(Boolean);
  const allowed =
    one.class === "invariant"
      ? [one.input_lines.filter(Boolean)]
      : [one.expected_events, ...(one.alt_expected_events ?? [])].map(expectedOf);
  expect(allowed).toContainEqual(one.class === "invariant" ? lines : found);
});

/** The patterns that mean what another shipper's options mean. */
function patternsOf(config: Config): JoinPatterns {
  const { dialect, start = "", condition = "", mode, pattern = "", negate, match, flush_pattern: last, end } = config;
  const of = compilePattern;
  if (dialect === "vector" && mode === "continue_past") return { continued: of(condition) };
  if (dialect === "vector" && mode === "halt_before") return { start: of(condition) };
  if (dialect === "vector") return { start: of(start), continue: of(condition) };
  if (dialect === "beats" && last !== undefined) return { start: of(pattern), end: of(last) };
  if (dialect === "beats" && match === "after")
    return negate === true ? { start: of(pattern) } : { continue: of(pattern) };
  if (dialect === "beats") return negate === true ? { end: of(pattern) } : { continued: of(pattern) };
  return end === undefined ? { start: of(start) } : { end: of(end) };
}

test.each(patterns.map((one) => [one.id, one] as const))("%s", (_, one) => {
  if (one.config === undefined) throw new Error("no options");
  const extent: Extent = byPatterns(patternsOf(one.config));
  const { records } = join(one.input_lines, extent, { byShape: false });
  expect(records).toEqual(one.expected_events);
});

test.each(labels.filter(({ kind }) => kind === "stack_trace_header").map((one) => [one.line, one] as const))(
  "%j waits for a trace, or does not",
  (_, { line, expected }) => {
    expect(join([line], auto, { flush: false }).waiting).toBe(expected ? 1 : 0);
  },
);

test.each(labels.filter(({ kind }) => kind === "timestamp_start").map((one) => [one.line, one] as const))(
  "%j begins a record with its time, or does not",
  (_, { line, expected }) => {
    const shape = shapeOf(line);
    expect(shape !== undefined).toBe(expected);
    const start = shape === undefined ? undefined : recordStart(shape);
    expect([start?.test(line) ?? false, start?.begins(Buffer.from(line), 0) ?? false]).toEqual([expected, expected]);
  },
);
