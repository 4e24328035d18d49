import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compilePattern } from "../../src/core/pattern.ts";
import type { JoinLimits } from "../../src/reading/joining.ts";
import type { Extent } from "../../src/records/multiline/lines.ts";
import { byPatterns, type JoinPatterns } from "../../src/records/multiline/patterns.ts";
import { recordStart, shapeOf } from "../../src/records/multiline/record-starts.ts";
import { auto, presets } from "../../src/records/multiline/registry.ts";
import { type PeerOptions, patternsOf } from "../support/peer-patterns.ts";
import { isSeenOtherwise } from "../support/seen-otherwise.ts";
import { GENEROUS, join } from "./join-lines.ts";

/** What other shippers' own tests expect of joining. Lies beside the project, where it is present at all. */
const CASES = fileURLToPath(new URL("../../../shared/cases/", import.meta.url));

interface Case {
  readonly id: string;
  readonly class: string;
  readonly lang?: string;
  readonly config?: PeerOptions;
  readonly input_lines: readonly string[];
  readonly expected_events: readonly string[];
  readonly alt_expected_events?: readonly (readonly string[])[];
  readonly limits?: { readonly max_bytes?: number; readonly max_lines?: number };
}

interface Label {
  readonly id: string;
  readonly class: string;
  readonly kind: string;
  readonly line: string;
  readonly expected: boolean;
}

const NONE = '{"cases":[]}';

const textOf = (file: string): string => (existsSync(CASES + file) ? readFileSync(CASES + file, "utf8") : NONE);

function load(file: string): readonly Case[] {
  const { cases }: { readonly cases: readonly Case[] } = JSON.parse(textOf(file));
  return cases.filter((one) => !isSeenOtherwise(one));
}

const languages = load("multiline_lang.json");
const patterns = load("multiline_pattern.json");
const { cases: allLabels }: { readonly cases: readonly Label[] } = JSON.parse(textOf("multiline_start_labels.json"));
const labels = allLabels.filter((one) => !isSeenOtherwise(one));

test.skipIf(languages.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(languages).toEqual([]);
});

/** Blank lines that belong to no record are filtered, as the design has it. */
const expectedOf = (events: readonly string[]) =>
  events.filter((event) => event !== "").map((event) => event.trimEnd());

function limitsOf({ limits = {} }: Case): JoinLimits {
  const { max_bytes: maxRecordBytes = GENEROUS.maxRecordBytes, max_lines: maxLines = GENEROUS.maxLines } = limits;
  return { maxRecordBytes, maxLines };
}

/** What came of a case, and what may: where only the lines are agreed upon, those, however they are joined. */
function compared(one: Case, records: readonly string[]): { found: readonly string[]; allowed: unknown[] } {
  const { expected_events: expected, alt_expected_events: others = [] } = one;
  if (one.class === "invariant")
    return { found: records.join("\n").split("\n").filter(Boolean), allowed: [one.input_lines.filter(Boolean)] };
  return { found: records.map((record) => record.trimEnd()), allowed: [expected, ...others].map(expectedOf) };
}

test.each(languages.map((one) => [one.id, one] as const))("%s", (_, one) => {
  const extent = one.lang === "mixed" ? auto : presets[one.lang ?? ""];
  if (extent === undefined) throw new Error(`no preset ${one.lang}`);
  const { found, allowed } = compared(one, join(one.input_lines, extent, { limits: limitsOf(one) }).records);
  expect(allowed).toContainEqual(found);
});

const compiled = (source: string | undefined) => (source === undefined ? undefined : compilePattern(source));

/** The patterns that mean what another shipper's options mean. */
function joinPatterns(options: PeerOptions): JoinPatterns {
  const { start, continue: next, end, continued } = patternsOf(options);
  return { start: compiled(start), continue: compiled(next), end: compiled(end), continued: compiled(continued) };
}

test.each(patterns.map((one) => [one.id, one] as const))("%s", (_, one) => {
  if (one.config === undefined) throw new Error("no options");
  const extent: Extent = byPatterns(joinPatterns(one.config));
  const { records } = join(one.input_lines, extent, { byShape: false, limits: limitsOf(one) });
  const isExact = one.class !== "invariant" && one.alt_expected_events === undefined;
  const { found, allowed } = isExact ? { found: records, allowed: [one.expected_events] } : compared(one, records);
  expect(allowed).toContainEqual(found);
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
