import { parseObject } from "../../core/json-object.ts";
import type { Parse } from "../../core/record.ts";
import { parseJson } from "./json.ts";
import { parseRaw } from "./raw.ts";

/** The formats a source can name, besides `auto`. */
export const formats: Readonly<Record<string, Parse>> = { raw: parseRaw, json: parseJson };

/** How lines are parsed with `auto`, whatever it took the file for: JSON where it is JSON, as it stands where it is not. */
export const undecided: Parse = parseJson;

/** Non-blank lines without a JSON object among them after which `auto` takes the file for `raw`. */
const SAMPLE = 20;

/**
 * What `auto` takes a file for from its first lines, to tell it: `json` as soon as one of them is a JSON object; `raw` when
 * enough of them are not; undefined while that is open. A JSON object is recognised later too.
 */
export function detectFormat(lines: readonly string[]): "json" | "raw" | undefined {
  if (lines.slice(0, SAMPLE).some((line) => parseObject(line) !== undefined)) return "json";
  return lines.length >= SAMPLE ? "raw" : undefined;
}
