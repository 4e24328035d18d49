import type { JsonObject, JsonValue } from "./record.ts";

/** The non-empty JSON object that the text is as a whole, or undefined. Of duplicate keys the last one counts. */
export function parseObject(text: string): JsonObject | undefined {
  // Cheap and exact: after white space an object begins with a brace. It spares most lines the cost of an exception.
  if (text.charCodeAt(0) !== 0x7b && !text.trimStart().startsWith("{")) return undefined;
  try {
    const value: JsonObject = JSON.parse(text);
    for (const _ in value) return value;
  } catch {
    // Not JSON. Applications mix other lines into their JSON logs all the time, so this is no event.
  }
  return undefined;
}

/** A number that a double may not hold has at least 16 digits, or an exponent of at least 3. */
const LONG_NUMBER = /\d{16}|\d[eE]\+?\d{3}/;

/**
 * Like `parseObject`, for whoever takes the values out: integers that a double can't hold, and numbers beyond its range,
 * become their own text, digit by digit.
 */
export function parseObjectExactly(text: string): JsonObject | undefined {
  const object = parseObject(text);
  if (object === undefined || !LONG_NUMBER.test(text)) return object;
  try {
    const exact: JsonObject = JSON.parse(text, keepDigits);
    return exact;
  } catch {
    // Nested too deep for a reviver, which is called recursively; nobody reads numbers down there.
    return object;
  }
}

function keepDigits(_key: string, value: JsonValue, context?: { readonly source?: string }): JsonValue {
  if (typeof value !== "number" || context?.source === undefined) return value;
  const isHeld = Number.isFinite(value) && (Number.isSafeInteger(value) || /[.eE]/.test(context.source));
  return isHeld ? value : context.source;
}
