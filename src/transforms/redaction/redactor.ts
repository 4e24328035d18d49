import type { JsonObject, JsonValue, LogRecord, ParsedFields } from "../../core/record.ts";
import { eachString } from "./json-strings.ts";
import type { Finder } from "./finder.ts";
import { merge, type Redaction, replaceInJson, replaceInText } from "./replace.ts";
import { original, viewsOf } from "./views.ts";

/** What is looked for, and what takes its place. */
export interface Rule {
  readonly finder: Pick<Finder, "find">;
  readonly replacement: string;
  /** Whether it depends on where a value begins or ends, so that it has to be looked for in each value by itself. */
  readonly isAnchored: boolean;
  /** Whether it may be meant for the text as it is written, escapes and all. */
  readonly isLiteral: boolean;
}

/** What a rule found. */
type Found = Redaction & Pick<Rule, "isLiteral">;

/** Nested deeper, a value is replaced as a whole. */
const MAX_DEPTH = 64;

/** Secrets times characters of text. With more the text is replaced as a whole: who writes such lines wants us busy. */
const MAX_SEARCHED = 2 ** 26;

/** Replaces secrets in a record: in its text, and in what the format found in it. */
export class Redactor {
  readonly #rules: readonly Rule[];
  readonly #anchored: readonly Rule[];
  readonly #replacement: string;

  /** `replacement` takes the place of what can't be looked through. */
  constructor(rules: readonly Rule[], replacement: string) {
    this.#rules = rules;
    this.#anchored = rules.filter(({ isAnchored }) => isAnchored);
    this.#replacement = replacement;
  }

  redact(record: LogRecord): LogRecord {
    const { body } = record;
    const found = [...this.#find(body, this.#rules), ...this.#findInValues(body)];
    if (found.length > 0 && isJson(body)) return this.#redactJson(record, body, found);
    // The fields of an object are its values.
    const isDone = this.#anchored.length === 0 || record.fields.isObject === true;
    return found.length === 0 && isDone ? record : this.#redactText(record, body, found);
  }

  /** What depends on where a value begins or ends, in text that may be JSON. */
  #findInValues(body: string): readonly Found[] {
    const found: Found[] = [];
    if (this.#anchored.length === 0 || !MAY_BE_JSON.test(body)) return found;
    eachString(body, (start, end) => {
      for (const one of this.#find(body.slice(start, end), this.#anchored))
        found.push({ ...one, start: start + one.start, end: start + one.end });
    });
    return found;
  }

  /** The fields are taken from the new text. */
  #redactJson(record: LogRecord, body: string, found: readonly Found[]): LogRecord {
    const hasEscapes = body.includes("\\");
    const redactions = found.filter(({ level, isLiteral }) => level > 0 || isLiteral || !hasEscapes);
    return redactions.length === 0 ? record : record.withBody(replaceInJson(body, merge(redactions)));
  }

  /** The fields are redacted by themselves: the format might not find them any more in the new text. */
  #redactText(record: LogRecord, body: string, found: readonly Redaction[]): LogRecord {
    const { message, attributes, ...rest } = record.fields;
    const secrets = new Map<string, string>();
    const fields: ParsedFields = {
      ...rest,
      message: message === undefined ? undefined : this.#redactString(message, secrets),
      attributes: attributes === undefined ? undefined : this.#redactObject(attributes, 0, secrets),
    };
    if (found.length === 0 && secrets.size === 0) return record;
    return record.withBody(this.#withoutWords(replaceInText(body, merge(found)), secrets), () => fields);
  }

  /** Without secrets that were found in fields, wherever they stand by themselves. */
  #withoutWords(text: string, secrets: ReadonlyMap<string, string>): string {
    if (secrets.size * text.length > MAX_SEARCHED) return this.#replacement;
    let result = text;
    for (const [secret, replacement] of secrets) result = replaceWords(result, secret, replacement);
    return result;
  }

  #find(text: string, rules: readonly Rule[]): readonly Found[] {
    const found: Found[] = [];
    for (const view of text.includes("\\") ? viewsOf(text) : [original(text)]) {
      for (const { finder, replacement, isLiteral } of rules) {
        finder.find(view.text, (start, end) => {
          found.push({ start: view.origin(start), end: view.origin(end), replacement, level: view.level, isLiteral });
        });
      }
    }
    return found;
  }

  #redactString(text: string, secrets: Map<string, string>): string {
    const found = merge(this.#find(text, this.#rules));
    for (const { start, end, replacement } of found) secrets.set(text.slice(start, end), replacement);
    return found.length === 0 ? text : replaceInText(text, found);
  }

  #redactObject(object: JsonObject, depth: number, secrets: Map<string, string>): JsonObject {
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => [
        this.#redactString(key, secrets),
        this.#redactValue(value, depth, secrets),
      ]),
    );
  }

  #redactValue(value: JsonValue, depth: number, secrets: Map<string, string>): JsonValue {
    if (typeof value === "string") return this.#redactString(value, secrets);
    if (typeof value === "number") {
      const text = String(value);
      const redacted = this.#redactString(text, secrets);
      return redacted === text ? value : redacted;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth >= MAX_DEPTH) return this.#replacement;
    return Array.isArray(value)
      ? value.map((item) => this.#redactValue(item, depth + 1, secrets))
      : this.#redactObject(value, depth + 1, secrets);
  }
}

const MAY_BE_JSON = /^\s*[{[]/;

/** Whether the text is JSON as a whole, an object or a list. */
function isJson(text: string): boolean {
  if (!MAY_BE_JSON.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not JSON, as most text that begins so is not: no event.
    return false;
  }
}

/** Replaces a text where it stands by itself, and not as a part of a longer word or number. */
function replaceWords(text: string, word: string, replacement: string): string {
  let result = "";
  let from = 0;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
    const end = at + word.length;
    if (isWithinWord(text, at) || isWithinWord(text, end)) continue;
    result += text.slice(from, at) + replacement;
    from = end;
  }
  return result + text.slice(from);
}

const isWithinWord = (text: string, at: number): boolean => /^\w\w$/.test(text.slice(Math.max(at - 1, 0), at + 1));
