import { z } from "zod";
import { compileCondition, condition } from "./condition.ts";
import { eachRecord, type Step, type TransformContext } from "./step.ts";

const schema = z.strictObject({ where: condition.describe("To which records this applies.") });

type Options = z.output<typeof schema>;

export const keepSchema = schema.describe(
  "Ships only the records that meet the condition; the others count as filtered.",
);
export const dropSchema = schema.describe("Leaves out the records that meet the condition; they count as filtered.");

export function createKeep({ where }: Options, { resource }: TransformContext): Step {
  const isMet = compileCondition(where, resource);
  return eachRecord((record) => (isMet(record) ? record : undefined));
}

export function createDrop({ where }: Options, { resource }: TransformContext): Step {
  const isMet = compileCondition(where, resource);
  return eachRecord((record) => (isMet(record) ? undefined : record));
}
