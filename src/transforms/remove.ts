import { z } from "zod";
import { compileOptionalCondition, optionalCondition } from "./condition.ts";
import { editAttributes } from "./edit.ts";
import { removeMembers } from "./json-text.ts";
import { eachRecord, type Step, type TransformContext } from "./step.ts";
import { attributeName, attributePath } from "./target.ts";

export const removeSchema = z
  .strictObject({
    fields: z.array(attributeName()).min(1).describe("Attributes to leave out."),
    where: optionalCondition,
  })
  .describe("Leaves attributes out.");

export function createRemove({ fields, where }: z.output<typeof removeSchema>, { resource }: TransformContext): Step {
  const isMet = compileOptionalCondition(where, resource);
  const paths = fields.map(attributePath);
  const edit = (json: string): string => paths.reduce(removeMembers, json);
  return eachRecord((record) => (isMet(record) ? editAttributes(record, edit) : record));
}
