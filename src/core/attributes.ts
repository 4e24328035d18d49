import { parseObjectExactly } from "./json-object.ts";
import type { JsonObject, LogRecord } from "./record.ts";

const NONE: JsonObject = Object.freeze({});

/**
 * What a record holds beside its text: the members of a body that is a JSON object, or what its format found. Made anew by
 * each call for a JSON object, and not to be changed.
 */
export function attributesOf(record: LogRecord): JsonObject {
  const { isObject, attributes } = record.fields;
  const own = isObject === true ? parseObjectExactly(record.body) : undefined;
  if (own === undefined) return attributes ?? NONE;
  return attributes === undefined ? own : { ...attributes, ...own };
}
