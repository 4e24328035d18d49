import { createRequire } from "node:module";
import { z } from "zod";
import { describeError } from "./errors.ts";

type Engine = typeof import("re2js");

const require = createRequire(import.meta.url);
let engine: Engine | undefined;

/** Loaded with the first pattern: an agent without any does not pay for it in memory. */
function loadEngine(): Engine {
  const loaded: Engine = engine ?? require("re2js");
  engine = loaded;
  return loaded;
}

/** A user's pattern in RE2 syntax. Matching takes time linear in the text, so no pattern and no line can stall the agent. */
export interface Pattern {
  readonly source: string;
  /** Names of its named groups, in their order. */
  readonly groups: readonly string[];
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean;
  /** Named groups of the first match, undefined for those that took no part; or undefined if nothing matches. */
  match(text: string): Readonly<Record<string, string | undefined>> | undefined;
  /** Tells where each match starts and ends that is not empty, in order, none over another. */
  find(text: string, onMatch: (start: number, end: number) => void): void;
  /** The text with each match replaced. */
  replaceAll(text: string, replacement: string): string;
}

/** Characters of a pattern, at most. */
const MAX_SOURCE = 1_024;

/**
 * Instructions that a pattern compiles to, at most. The engine does as many steps a character in the worst case, and keeps
 * its states in 8 MiB a pattern, the least recent ones thrown away.
 */
const MAX_INSTRUCTIONS = 4_096;

/** Throws an Error with the engine's reason if the source is no RE2 pattern (no look-ahead, no back-references), or is too large. */
export function compilePattern(source: string): Pattern {
  const { RE2JS } = loadEngine();
  if (source.length > MAX_SOURCE) throw new Error(`longer than ${MAX_SOURCE} characters`);
  const compiled = RE2JS.compile(source, RE2JS.LOOKBEHINDS);
  if (compiled.programSize() > MAX_INSTRUCTIONS) throw new Error("too large when its repetitions are written out");
  const groups = Object.keys(compiled.namedGroups());
  return {
    source,
    groups,
    test: (text) => compiled.test(text),
    match(text) {
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return undefined;
      return Object.fromEntries(groups.map((name) => [name, matcher.group(name) ?? undefined]));
    },
    find(text, onMatch) {
      if (!compiled.test(text)) return;
      const matcher = compiled.matcher(text);
      while (matcher.find()) if (matcher.end() > matcher.start()) onMatch(matcher.start(), matcher.end());
    },
    replaceAll: (text, replacement) => compiled.matcher(text).replaceAll(RE2JS.quoteReplacement(replacement)),
  };
}

/** What is wrong with the source of a pattern, if anything. */
export function checkPattern(source: string): string | undefined {
  try {
    compilePattern(source);
    return undefined;
  } catch (error) {
    return `expected a pattern in RE2 syntax: ${describeError(error)}`;
  }
}

/**
 * Option: a pattern in RE2 syntax. Its value is its text, which can be compared and shown, and which whoever uses it
 * compiles.
 */
export const pattern = () =>
  z
    .string()
    .min(1)
    .superRefine((source, ctx) => {
      const fault = checkPattern(source);
      if (fault !== undefined) ctx.addIssue({ code: "custom", message: fault });
    });
