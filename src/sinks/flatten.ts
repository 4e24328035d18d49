import type { JsonObject } from "../core/record.ts";

/** Attributes as texts with the names of nested ones joined by dots; a list is JSON. What is null is left out. */
export function flatten(attributes: JsonObject, prefix = ""): readonly (readonly [name: string, text: string])[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const name = prefix + key;
    if (value === null) return [];
    if (typeof value !== "object") return [[name, String(value)] as const];
    return Array.isArray(value) ? [[name, JSON.stringify(value)] as const] : flatten(value, `${name}.`);
  });
}
