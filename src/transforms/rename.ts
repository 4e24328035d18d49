import { z } from "zod";
import { compileOptionalCondition, optionalCondition } from "./condition.ts";
import { editAttributes } from "./edit.ts";
import { findValue, type MemberPath, removeMembers, setMember } from "./json-text.ts";
import { eachRecord, type Step, type TransformContext } from "./step.ts";
import { attributeName, attributePath } from "./target.ts";

export const renameSchema = z
  .strictObject({
    fields: z
      .record(attributeName(), attributeName())
      .refine((entries) => Object.keys(entries).length > 0, "needs at least one entry")
      .describe("New names of attributes by their old ones. An attribute that has the new name already is replaced."),
    where: optionalCondition,
  })
  .describe("Gives attributes other names.");

export function createRename({ fields, where }: z.output<typeof renameSchema>, { resource }: TransformContext): Step {
  const isMet = compileOptionalCondition(where, resource);
  const moves = Object.entries(fields).map(([from, to]) => [attributePath(from), attributePath(to)] as const);
  const edit = (json: string): string => moves.reduce((text, [from, to]) => move(text, from, to), json);
  return eachRecord((record) => (isMet(record) ? editAttributes(record, edit) : record));
}

/** The value moves as it is written. */
function move(json: string, from: MemberPath, to: MemberPath): string {
  const span = findValue(json, from);
  if (span === undefined) return json;
  return setMember(removeMembers(json, from), to, json.slice(span.start, span.end));
}
