import { z } from "zod";
import { type MemberPath } from "./json-text.ts";
import { parseField } from "./field.ts";

/** Option: an attribute, by its name in the configuration. */
export const attributeName = () =>
  z
    .string()
    .refine((name) => parseField(name)?.kind === "attributes", "expected an attribute, like attributes.user.id");

/** The path of an attribute whose name the schema has passed. */
export function attributePath(name: string): MemberPath {
  const field = parseField(name);
  if (field?.kind !== "attributes") throw new Error(`${name} is no attribute`);
  return field.path;
}
