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
  /** The text with each match replaced. */
  replaceAll(text: string, replacement: string): string;
}

/** Throws an Error with the engine's reason if the source is no RE2 pattern (no look-around, no back-references). */
export function compilePattern(source: string): Pattern {
  const { RE2JS } = loadEngine();
  const compiled = RE2JS.compile(source, RE2JS.LOOKBEHINDS);
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
    replaceAll: (text, replacement) => compiled.matcher(text).replaceAll(RE2JS.quoteReplacement(replacement)),
  };
}

/** Option: a pattern in RE2 syntax. */
export const pattern = () =>
  z
    .string()
    .min(1)
    .transform((source, ctx) => {
      try {
        return compilePattern(source);
      } catch (error) {
        ctx.addIssue({ code: "custom", message: `expected a pattern in RE2 syntax: ${describeError(error)}` });
        return z.NEVER;
      }
    });
