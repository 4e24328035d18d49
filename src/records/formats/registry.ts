import type { FormatName, FormatSetting } from "../../core/format.ts";
import { parseObject } from "../../core/json-object.ts";
import { NO_FIELDS, type Parse, type ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { readAccess } from "./access.ts";
import { createCsv } from "./csv.ts";
import type { ReadFormat } from "./format.ts";
import { readJson } from "./json.ts";
import { readKlog } from "./klog.ts";
import { isTellingLogfmt, readLogfmt } from "./logfmt.ts";
import { createRegex } from "./regex.ts";
import { readApacheError, readNginxError } from "./server-error.ts";
import { isTellingSyslog, readSyslog } from "./syslog.ts";

/** The formats that read something out of a line. */
type ReadableName = Exclude<FormatName, "auto" | "raw">;

const READERS: Readonly<Record<ReadableName, ReadFormat>> = {
  json: readJson,
  logfmt: readLogfmt,
  nginx: (body, context) => readNginxError(body, context) ?? readAccess(body, context),
  apache: (body, context) => readApacheError(body, context) ?? readAccess(body, context),
  syslog: readSyslog,
  klog: readKlog,
};

const isReadable = (name: string): name is ReadableName => Object.hasOwn(READERS, name);

/** A source's format, compiled once for all of its files: undefined for `raw` and `auto`. */
export interface CompiledFormat {
  /** As a line that is not of it is marked. */
  readonly name: string;
  readonly read: ReadFormat | undefined;
}

/** Throws for a pattern that is none; the configuration was checked before. */
export function compileFormat(setting: FormatSetting): CompiledFormat {
  if (typeof setting === "string") return { name: setting, read: isReadable(setting) ? READERS[setting] : undefined };
  if (setting.csv !== undefined) return { name: "csv", read: createCsv(setting.csv) };
  return { name: "regex", read: createRegex(setting.regex ?? "") };
}

/** For lines of a format that the source names; undefined for `raw`. A line that is not of it is marked. */
export function namedParser({ name, read }: CompiledFormat, context: TimeContext): Parse | undefined {
  if (read === undefined) return undefined;
  // One object for all such lines.
  const unparsed: ParsedFields = Object.freeze({ unparsed: name });
  return (body) => read(body, context) ?? (name === "json" && isEmptyObject(body) ? NO_FIELDS : unparsed);
}

/**
 * For lines of a file that `auto` took for `format`, or has not decided about. What is a JSON object is read as one
 * whatever it was: that costs nothing where the first character is no brace. Nothing is marked, for nothing was promised.
 */
export function autoParser(format: string | undefined, context: TimeContext): Parse {
  const read = format !== undefined && isReadable(format) && format !== "json" ? READERS[format] : undefined;
  if (read === undefined) return (body) => readJson(body, context) ?? NO_FIELDS;
  return (body) => readJson(body, context) ?? read(body, context) ?? NO_FIELDS;
}

/** An object with nothing in it is JSON all the same. */
const isEmptyObject = (body: string): boolean => /^\{\s{0,16}\}$/.test(body.trim());

/** Non-blank lines after which `auto` decides, whatever they were. */
export const SAMPLE_LINES = 20;

/** What a line is for `auto`: the first that it is without doubt. */
const SIGNS: readonly (readonly [name: FormatName, isOne: (body: string, context: TimeContext) => boolean])[] = [
  ["json", (body) => parseObject(body) !== undefined],
  ["klog", (body, context) => readKlog(body, context) !== undefined],
  ["syslog", isTellingSyslog],
  ["nginx", (body, context) => readNginxError(body, context) !== undefined],
  ["apache", (body, context) => readApacheError(body, context) !== undefined],
  ["nginx", (body, context) => readAccess(body, context)?.timestamp !== undefined],
  ["logfmt", isTellingLogfmt],
];

/** What `auto` takes a line for, by itself; undefined for text. */
export const recognize = (body: string, context: TimeContext): FormatName | undefined =>
  SIGNS.find(([, isOne]) => isOne(body, context))?.[0];

/**
 * What `auto` takes a file for by its first lines: the format of at least half of them. JSON is found below a banner, too:
 * one object is enough if no other format has more lines. `raw` when there are enough lines; undefined while it is open.
 */
export function decide(lines: readonly (FormatName | undefined)[]): FormatName | undefined {
  const counts = new Map<FormatName, number>();
  for (const format of lines) if (format !== undefined) counts.set(format, (counts.get(format) ?? 0) + 1);
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  if (best !== undefined && (best[0] === "json" || best[1] * 2 >= lines.length)) return best[0];
  return lines.length >= SAMPLE_LINES ? "raw" : undefined;
}
