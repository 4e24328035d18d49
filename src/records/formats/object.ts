import type { JsonObject, JsonValue } from "../../core/record.ts";

/** An object of those fields that were there. The names are the format's own, not the line's. */
export function withoutAbsent(values: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const object: JsonObject = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) object[name] = value;
  return object;
}
