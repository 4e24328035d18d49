/*
 * A long file: what a condition may say, what is wrong with one, and what it means, side by side.
 */
import { z } from "zod";
import { unreachable } from "../core/errors.ts";
import { compilePattern, pattern } from "../core/pattern.ts";
import type { LogRecord } from "../core/record.ts";
import type { Resource } from "../core/sink.ts";
import { type Field, FIELD_NAMES, type FieldValue, parseField, readFieldOf } from "./field.ts";
import { compareTimes, parseInstant } from "./instant.ts";
import { SEVERITY_NAMES, severityRange } from "./severity.ts";

type Scalar = string | number | boolean | null;

/** A condition as it is written: about one field, or about other conditions. */
export interface Condition {
  readonly field?: string | undefined;
  readonly equals?: Scalar | undefined;
  readonly in?: readonly Scalar[] | undefined;
  readonly matches?: string | undefined;
  readonly exists?: boolean | undefined;
  readonly below?: string | number | undefined;
  readonly above?: string | number | undefined;
  readonly all?: readonly Condition[] | undefined;
  readonly any?: readonly Condition[] | undefined;
  readonly not?: Condition | undefined;
}

/** Whether a record meets a condition. Total: a record that lacks the field meets none but `exists: false`. */
export type Predicate = (record: LogRecord) => boolean;

const OPERATORS = ["equals", "in", "matches", "exists", "below", "above"] as const;
const COMBINATORS = ["all", "any", "not"] as const;

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Option: a field of a record. */
export const fieldName = () =>
  z.string().refine((name) => parseField(name) !== undefined, `expected a field: ${FIELD_NAMES}`);

const conditions = () =>
  z
    .array(z.lazy((): z.ZodType<Condition, Condition> => condition))
    .min(1)
    .describe("Conditions.")
    .optional();

/** Option: a condition. */
export const condition: z.ZodType<Condition, Condition> = z
  .strictObject({
    field: fieldName()
      .optional()
      .describe(`What the condition is about: ${FIELD_NAMES}. A dot leads into an object, or is part of a name.`),
    equals: scalar.optional().describe("The field's value, a number by its value, everything else by its text."),
    in: z.array(scalar).min(1).optional().describe("One of these values."),
    matches: pattern().optional().describe("A pattern in RE2 syntax that matches anywhere in the field's text."),
    exists: z.boolean().optional().describe("Whether the record has the field at all."),
    below: z.union([z.number(), z.string()]).optional().describe("Less than a number, a severity or a time."),
    above: z.union([z.number(), z.string()]).optional().describe("More than a number, a severity or a time."),
    all: conditions().describe("Each of these conditions."),
    any: conditions().describe("At least one of these conditions."),
    not: z
      .lazy((): z.ZodType<Condition, Condition> => condition)
      .optional()
      .describe("The opposite of this condition."),
  })
  .superRefine((value, ctx) => {
    const fault = findFault(value);
    if (fault !== undefined) ctx.addIssue({ code: "custom", message: fault.message, path: [...fault.path] });
  })
  .meta({ id: "condition", description: "Which records are meant." });

/** Option of all transforms: to which records they are applied. */
export const optionalCondition = condition.optional().describe("Only to these records is it applied.");

interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function findFault(value: Condition): Fault | undefined {
  const operators = OPERATORS.filter((name) => value[name] !== undefined);
  const combinators = COMBINATORS.filter((name) => value[name] !== undefined);
  if (value.field !== undefined) {
    const [combinator] = combinators;
    if (combinator !== undefined)
      return { path: [combinator], message: "cannot stand beside a field; put both in all" };
    if (operators.length === 0)
      return { path: [], message: `says nothing about its field; add ${OPERATORS.join(", ")}` };
    const field = parseField(value.field);
    return field === undefined ? undefined : findOperandFault(field, value);
  }
  const [operator] = operators;
  if (operator !== undefined) return { path: [operator], message: "needs a field beside it" };
  if (combinators.length === 1) return undefined;
  return { path: [], message: `expected a field with ${OPERATORS.join(", ")}, or one of ${COMBINATORS.join(", ")}` };
}

function findOperandFault(field: Field, value: Condition): Fault | undefined {
  const operands: (readonly [path: Fault["path"], operand: Scalar])[] = (value.in ?? []).map((one, index) => [
    ["in", index],
    one,
  ]);
  for (const name of ["equals", "below", "above"] as const) {
    const operand = value[name];
    if (operand !== undefined) operands.push([[name], operand]);
  }
  for (const [path, operand] of operands) {
    const message = operandFault(field, path[0] === "below" || path[0] === "above", operand);
    if (message !== undefined) return { path, message };
  }
  return undefined;
}

function operandFault({ kind }: Field, isOrder: boolean, operand: Scalar): string | undefined {
  if (kind === "severity") return severityRange(operand) === undefined ? `expected ${SEVERITY_NAMES}` : undefined;
  if (kind === "timestamp")
    return parseInstant(operand) === undefined ? "expected a time with its zone, like 2026-11-24T09:30:00Z" : undefined;
  return isOrder && typeof operand !== "number" ? "expected a number" : undefined;
}

type Test = (value: FieldValue) => boolean;

/** Compiles a condition that the schema has passed. */
export function compileCondition(source: Condition, resource: Resource): Predicate {
  const compile = (one: Condition): Predicate => compileCondition(one, resource);
  if (source.all !== undefined) {
    const parts = source.all.map(compile);
    return (record) => parts.every((part) => part(record));
  }
  if (source.any !== undefined) {
    const parts = source.any.map(compile);
    return (record) => parts.some((part) => part(record));
  }
  if (source.not !== undefined) {
    const part = compile(source.not);
    return (record) => !part(record);
  }
  return compileField(source, resource);
}

/** Without a condition every record is meant. */
export const compileOptionalCondition = (source: Condition | undefined, resource: Resource): Predicate =>
  source === undefined ? () => true : compileCondition(source, resource);

function compileField(source: Condition, resource: Resource): Predicate {
  const read = readFieldOf(source.field ?? "", resource);
  const { exists } = source;
  const tests = compileTests(source);
  if (exists === false) return (record) => read(record) === undefined && tests.length === 0;
  return (record) => {
    const value = read(record);
    return value !== undefined && tests.every((test) => test(value));
  };
}

function compileTests({ equals, in: oneOf, matches, below, above }: Condition): readonly Test[] {
  const tests: Test[] = [];
  if (equals !== undefined) tests.push(equalTo(equals));
  if (oneOf !== undefined) {
    const parts = oneOf.map(equalTo);
    tests.push((value) => parts.some((part) => part(value)));
  }
  if (below !== undefined) tests.push((value) => compare(value, below) < 0);
  if (above !== undefined) tests.push((value) => compare(value, above) > 0);
  // The dearest comes last.
  if (matches !== undefined) {
    const pattern = compilePattern(matches);
    tests.push(({ text }) => pattern.test(text));
  }
  return tests;
}

function equalTo(operand: Scalar): Test {
  const text = String(operand);
  return (value) => {
    if (value.kind === "severity" || value.kind === "time") return compare(value, operand) === 0;
    return value.text === text
      ? (value.kind === "null") === (operand === null)
      : typeof operand === "number" && compare(value, operand) === 0;
  };
}

/** Negative if the value is below the operand, positive if above; not a number if the two can't be compared. */
function compare(value: FieldValue, operand: Scalar): number {
  switch (value.kind) {
    case "severity": {
      const range = severityRange(operand);
      if (range === undefined) return Number.NaN;
      if (value.number < range.from) return -1;
      return value.number > range.to ? 1 : 0;
    }
    case "time": {
      const instant = parseInstant(operand);
      return instant === undefined ? Number.NaN : compareTimes(value, instant);
    }
    case "number":
    case "string":
      return typeof operand === "number" ? numberOf(value.text) - operand : Number.NaN;
    case "boolean":
    case "null":
    case "structure":
      return Number.NaN;
    default:
      return unreachable(value);
  }
}

/** Formats of plain text find numbers as text. Not a number for any other text, the empty one too. */
const numberOf = (text: string): number =>
  text.length <= 64 && /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
