import type { Parse } from "../../core/record.ts";
import { parseJson, parseObject } from "./json.ts";
import { parseRaw } from "./raw.ts";

/** The formats a source can name, besides `auto`. */
export const formats: Readonly<Record<string, Parse>> = { raw: parseRaw, json: parseJson };

/** How lines are parsed while `auto` has not decided: JSON where it is JSON, as it stands where it is not. */
export const undecided: Parse = parseJson;

/** Non-blank lines without a JSON object among them after which `auto` decides for `raw`. */
const SAMPLE = 20;

/**
 * What `auto` decides from the first lines of a file: `json` as soon as one of them is a JSON object, for a line that is not
 * is shipped as it stands anyway; `raw` when enough of them are not; undefined while that is open.
 */
export function detectFormat(lines: readonly string[]): "json" | "raw" | undefined {
  if (lines.slice(0, SAMPLE).some((line) => parseObject(line) !== undefined)) return "json";
  return lines.length >= SAMPLE ? "raw" : undefined;
}
