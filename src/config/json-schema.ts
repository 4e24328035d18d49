import { z } from "zod";
import type { SinkDefinition } from "../core/sink-definition.ts";
import { configSchema } from "./schema.ts";
import { isVendorOption } from "./vendor.ts";

type Node = z.core.JSONSchema.BaseSchema;

/** JSON Schema (draft 2020-12) of a configuration file, for editors: what may be written, with defaults and documentation. */
export function jsonSchema(sinks: readonly SinkDefinition[]): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema(sinks), { io: "input", target: "draft-2020-12", override: adapt }) };
}

function adapt({ jsonSchema, path }: { jsonSchema: Node; path: (string | number)[] }): void {
  relaxVendorOptions(jsonSchema);
  if (path.at(-1) !== "propertyNames") allowReferences(jsonSchema);
}

/** An option that a vendor's variable can fill need not be written. */
function relaxVendorOptions(node: Node): void {
  const { title, required } = node;
  if (title !== undefined && required !== undefined) {
    node.required = required.filter((option) => !isVendorOption(title, option));
  }
}

/** A value may come from outside: what must be a number or one of a few words is then written as `${NAME}`. */
function allowReferences(node: Node): void {
  const { description: _description, default: _default, ...rule } = node;
  const isKind = ["integer", "number", "boolean"].includes(String(rule.type));
  const isNarrow = isKind || ["enum", "format", "pattern"].some((keyword) => keyword in rule);
  if (!isNarrow) return;
  for (const key of Object.keys(rule)) delete node[key];
  node.anyOf = [rule, { type: "string", pattern: String.raw`\$\{` }];
}
