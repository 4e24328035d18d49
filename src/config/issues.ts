import type { z } from "zod";
import { nearest } from "./nearest.ts";
import type { Path } from "./problems.ts";

export type Issue = z.core.$ZodIssue;

/** One finding of validation, its path counted from the root. */
export interface Finding {
  readonly path: Path;
  readonly issue: Issue;
  /** The kinds of value a union takes: all of them if none of its members even looks like what was written, else the other ones. */
  readonly kinds?: readonly string[];
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

const kindName = (expected: string): string => KINDS[expected] ?? expected;

export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return kindName(typeof value);
}

/** Resolves unions: of what each member says, only the member that was most probably meant is heard. */
export function findings(issue: Issue, parent: Path = []): Finding[] {
  const path = [...parent, ...issue.path];
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ path, issue }];
  const [meant] = issue.errors.filter((member) => !isOtherKind(member)).sort((a, b) => a.length - b.length);
  const others = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === "invalid_type" && inner.path.length === 0 ? [kindName(inner.expected)] : []));
  const kinds = [...new Set(others)];
  if (meant === undefined) return [{ path, issue, kinds }];
  // A word that is none of the known ones may stand for what takes a mapping.
  const [only] = meant;
  if (meant.length === 1 && only?.code === "invalid_value" && only.path.length === 0)
    return [{ path, issue: only, kinds }];
  return meant.flatMap((inner) => findings(inner, path));
}

/** Whether a member of a union takes another kind of value altogether. */
const isOtherKind = (member: readonly Issue[]): boolean =>
  member.some(
    ({ code, path, input }) =>
      path.length === 0 && (code === "invalid_type" || (code === "invalid_value" && typeof input !== "string")),
  );

/** What is said about an issue that brings no words of its own. `showValue`: the value is no secret. */
export function describeIssue({ issue, kinds }: Finding, value: unknown, showValue: boolean): string {
  switch (issue.code) {
    case "invalid_type":
      return wrongKind(kinds ?? [kindName(issue.expected)], value);
    case "invalid_union":
      return "options" in issue && Array.isArray(issue.options)
        ? wrongLiteral(issue.options.map(String), value, "type", showValue)
        : wrongKind(kinds ?? [], value);
    case "invalid_value":
      return wrongLiteral(issue.values.map(String), value, "value", showValue, kinds);
    case "too_small":
      return tooSmall(issue.origin, Number(issue.minimum));
    case "too_big":
      return `must be at most ${issue.maximum}${unitOf(issue.origin, Number(issue.maximum))}`;
    case "invalid_format":
      return issue.format === "url" ? "expected a URL, like https://host:8088" : "does not have the expected form";
    case "invalid_key":
      return issue.issues[0]?.message || "not a usable name";
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "custom":
    case "invalid_element":
    case "unrecognized_keys":
    default:
      return "not a valid value";
  }
}

const isMissing = (value: unknown): boolean => value === undefined;

function wrongKind(kinds: readonly string[], value: unknown): string {
  const expected = kinds.length === 0 ? "" : `expected ${kinds.join(" or ")}`;
  if (isMissing(value)) return expected === "" ? "missing" : `missing; ${expected}`;
  return expected === "" ? "not a valid value" : `${expected}, got ${kindOf(value)}`;
}

/** A longer value is no misspelling of a word. */
const MAX_SHOWN = 64;

function wrongLiteral(
  known: readonly string[],
  value: unknown,
  what: string,
  showValue: boolean,
  others: readonly string[] = [],
): string {
  const words = known.length === 1 ? `expected ${known[0]}` : `expected one of ${known.join(", ")}`;
  const expected = [words, ...others.map((kind) => `or ${kind}`)].join(", ");
  if (isMissing(value)) return `missing; ${expected}`;
  if (typeof value !== "string") return `${expected}, got ${kindOf(value)}`;
  if (!showValue || value.length > MAX_SHOWN) return `unknown ${what}; ${expected}`;
  const near = nearest(value, known);
  return `unknown ${what} ${JSON.stringify(value)}; ${near === undefined ? expected : `did you mean "${near}"?`}`;
}

function tooSmall(origin: string, minimum: number): string {
  if (origin === "string" && minimum === 1) return "must not be empty";
  if (origin === "array" && minimum === 1) return "needs at least one entry";
  if (origin === "array" || origin === "string") return `needs at least ${minimum}${unitOf(origin, minimum)}`;
  return `must be at least ${minimum}`;
}

function unitOf(origin: string, count: number): string {
  if (origin === "string") return count === 1 ? " character" : " characters";
  if (origin === "array") return count === 1 ? " entry" : " entries";
  return "";
}
