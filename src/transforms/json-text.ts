/**
 * A long file: the edits and the scanner they stand on go by the same rules.
 *
 * Reads and changes members of a JSON object in its text. Whatever is not touched stays byte for byte as it was written:
 * numbers of any size, duplicate keys, white space. All functions take text that is known to be one valid JSON object, take
 * time linear in its length, and don't recurse with its nesting, which an attacker may choose.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/**
 * Where a member may stand: `names[i]` are the names that the path may go on with at its segment `i`. A dot may be part of
 * a name, so `a.b` is `b` in the object `a`, or the name `a.b`.
 */
export interface MemberPath {
  readonly segments: readonly string[];
  readonly names: readonly (readonly string[])[];
}

/** A place in the text, from its first character to the one after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Deeper paths than this are refused by the configuration: reading a path recurses by its segments. */
export const MAX_SEGMENTS = 16;

export function memberPath(path: string): MemberPath {
  const segments = path.split(".");
  const names = segments.map((_, from) =>
    segments.slice(from).map((__, count) => segments.slice(from, from + count + 1).join(".")),
  );
  return { segments, names };
}

/** The value of the member; of several with the same name the last, as JSON parsers have it. */
export function findValue(text: string, path: MemberPath): Span | undefined {
  let found: Span | undefined;
  visitMatches(text, openBrace(text), path, 0, (_, valueStart, valueEnd) => {
    found = { start: valueStart, end: valueEnd };
  });
  return found;
}

/** The text without the members, all that have the name. */
export function removeMembers(text: string, path: MemberPath): string {
  const cuts: Span[] = [];
  collectRemovals(text, openBrace(text), path, 0, cuts);
  return splice(text, cuts, "");
}

/** The text with the member's value replaced, wherever it stands; or with the member added. `json` is the value's JSON text. */
export function setMember(text: string, path: MemberPath, json: string): string {
  const values: Span[] = [];
  visitMatches(text, openBrace(text), path, 0, (_, start, end) => values.push({ start, end }));
  return values.length > 0 ? splice(text, values, json) : insertMember(text, path, json);
}

/** Adds the member in the deepest object that its path leads to. A name in between that holds no object is left as it is. */
function insertMember(text: string, path: MemberPath, json: string): string {
  let open = openBrace(text);
  let from = 0;
  let isBlocked = false;
  for (;;) {
    const name = path.segments[from] ?? "";
    let value: number | undefined;
    if (from < path.segments.length - 1) {
      visitMembers(text, open, (keyStart, keyEnd, valueStart) => {
        if (isName(text, keyStart, keyEnd, name)) value = valueStart;
      });
    }
    if (value === undefined) break;
    isBlocked = text.charCodeAt(value) !== OPEN_BRACE;
    if (isBlocked) break;
    open = value;
    from += 1;
  }
  const rest = path.segments.slice(from);
  const member = isBlocked
    ? `${JSON.stringify(rest.join("."))}:${json}`
    : rest.reduceRight(
        (inner, name, index) => `${JSON.stringify(name)}:${index === rest.length - 1 ? inner : `{${inner}}`}`,
        json,
      );
  let last = open + 1;
  const close = visitMembers(text, open, (_, __, ___, valueEnd) => {
    last = valueEnd;
  });
  return last === open + 1
    ? `${text.slice(0, last)}${member}${text.slice(close - 1)}`
    : `${text.slice(0, last)},${member}${text.slice(last)}`;
}

type OnMatch = (keyStart: number, valueStart: number, valueEnd: number) => void;

function visitMatches(text: string, open: number, path: MemberPath, from: number, onMatch: OnMatch): void {
  const names = path.names[from] ?? [];
  visitMembers(text, open, (keyStart, keyEnd, valueStart, valueEnd) => {
    const index = names.findIndex((name) => isName(text, keyStart, keyEnd, name));
    if (index === -1) return;
    if (index === names.length - 1) onMatch(keyStart, valueStart, valueEnd);
    else if (text.charCodeAt(valueStart) === OPEN_BRACE)
      visitMatches(text, valueStart, path, from + index + 1, onMatch);
  });
}

/** A member goes with the comma before it; with the one after it if no member that stays is before it. */
function collectRemovals(text: string, open: number, path: MemberPath, from: number, cuts: Span[]): void {
  const names = path.names[from] ?? [];
  let before = open + 1;
  let hasStaying = false;
  let cutFrom: number | undefined;
  const close = visitMembers(text, open, (keyStart, keyEnd, valueStart, valueEnd) => {
    if (cutFrom !== undefined && !hasStaying) cuts.push({ start: cutFrom, end: keyStart });
    cutFrom = undefined;
    const index = names.findIndex((name) => isName(text, keyStart, keyEnd, name));
    if (index === names.length - 1 && index !== -1) {
      if (hasStaying) cuts.push({ start: before, end: valueEnd });
      else cutFrom = keyStart;
    } else {
      hasStaying = true;
      if (index !== -1 && text.charCodeAt(valueStart) === OPEN_BRACE)
        collectRemovals(text, valueStart, path, from + index + 1, cuts);
    }
    before = valueEnd;
  });
  if (cutFrom !== undefined) cuts.push({ start: cutFrom, end: close - 1 });
}

/** Told of each member of an object: where its key and its value start and end. Keys have their quotes with them. */
type OnMember = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void;

/** Visits the members of the object that opens here, and returns the offset after its closing brace. */
function visitMembers(text: string, open: number, onMember: OnMember): number {
  let at = skipSpace(text, open + 1);
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = skipString(text, at);
    const colon = skipSpace(text, keyEnd);
    if (text.charCodeAt(colon) !== COLON) throw new Error("not valid JSON");
    const valueStart = skipSpace(text, colon + 1);
    const valueEnd = skipValue(text, valueStart);
    onMember(at, keyEnd, valueStart, valueEnd);
    at = skipSpace(text, valueEnd);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return at + 1;
}

const openBrace = (text: string): number => skipSpace(text, 0);

function isName(text: string, keyStart: number, keyEnd: number, name: string): boolean {
  if (keyEnd - keyStart < name.length + 2) return false;
  const key = text.slice(keyStart + 1, keyEnd - 1);
  return key.includes("\\") ? JSON.parse(`"${key}"`) === name : key === name;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code === 0x20 || (code >= 0x09 && code <= 0x0d); code = text.charCodeAt(at))
    at += 1;
  return at;
}

/** The offset after a string that starts here. */
export function skipString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}

function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return skipString(text, from);
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return skipPrimitive(text, from);
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = skipString(text, at) - 1;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** The offset after a number, `true`, `false` or `null`. */
export function skipPrimitive(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || code <= 0x20) break;
  }
  return at;
}

function splice(text: string, spans: readonly Span[], replacement: string): string {
  if (spans.length === 0) return text;
  let result = "";
  let from = 0;
  for (const { start, end } of spans) {
    result += text.slice(from, start) + replacement;
    from = end;
  }
  return result + text.slice(from);
}
