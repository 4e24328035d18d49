import { z } from "zod";
import type { SinkDefinition } from "../core/sink-definition.ts";
import type { Path } from "./problems.ts";
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

/** Whether a schema says that the option of a path is a secret. Of sinks it is enough that it is one in some of their types. */
export function isSecretOption(path: Path, sinks: readonly SinkDefinition[]): boolean {
  let nodes = alternatives(z.toJSONSchema(configSchema(sinks), { io: "input" }));
  for (const key of path) nodes = nodes.flatMap((node) => alternatives(childOf(node, String(key))));
  return nodes.some(({ writeOnly }) => writeOnly === true);
}

function childOf({ properties, additionalProperties, items }: Node, key: string): unknown {
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return additionalProperties ?? items;
}

/** A schema, and those of which a value has to match one or all. */
function alternatives(node: unknown): readonly Node[] {
  if (!isNode(node)) return [];
  return [node, ...[node.anyOf, node.oneOf, node.allOf].flatMap((list) => list ?? []).flatMap(alternatives)];
}

const isNode = (node: unknown): node is Node => typeof node === "object" && node !== null && !Array.isArray(node);
