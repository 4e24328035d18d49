/** Text that is not what the parser was told to read; `at` is the index of the first wrong character. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  readonly at: number;

  constructor(message: string, at: number) {
    super(`${message} at character ${at}`);
    this.at = at;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\r\n".includes(text.charAt(at))) at += 1;
  return at;
}

/** The index after the string that begins at `from`. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  throw new JsonSyntaxError("a string without its end", from);
}

/** The index after the object or array that begins at `from`; only brackets and strings are looked at. */
function endOfContainer(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === 0x7b || code === 0x5b) depth += 1;
    else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw new JsonSyntaxError("an object or array without its end", from);
}

function endOfValue(text: string, from: number): number {
  const code = text.charCodeAt(from);
  if (code === QUOTE) return endOfString(text, from);
  if (code === 0x7b || code === 0x5b) return endOfContainer(text, from);
  const match = /[^\s,\]}]+/y;
  match.lastIndex = from;
  if (!match.test(text)) throw new JsonSyntaxError("a value is missing", from);
  return match.lastIndex;
}

/**
 * The texts of the JSON values that stand one after the other, with or without white space between them, as Splunk's
 * event endpoint takes them. Lazy, so that what stands before a fault has been yielded when it throws.
 */
export function* concatenatedValues(text: string): Generator<string> {
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const end = endOfValue(text, at);
    yield text.slice(at, end);
    at = end;
  }
}

/** The texts of the elements of the array that `text` is. */
export function* arrayElements(text: string): Generator<string> {
  let at = skipSpace(text, 0);
  if (text[at] !== "[") throw new JsonSyntaxError("not an array", at);
  at = skipSpace(text, at + 1);
  while (text[at] !== "]") {
    const end = endOfValue(text, at);
    yield text.slice(at, end);
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    else if (text[at] !== "]") throw new JsonSyntaxError("expected , or ]", at);
  }
  if (skipSpace(text, at + 1) !== text.length) throw new JsonSyntaxError("text after the array", at + 1);
}

/** The members of the object that `text` is, each value as its text; a name that stands twice is yielded twice. */
export function* objectMembers(text: string): Generator<[name: string, value: string]> {
  if (text[0] !== "{") throw new JsonSyntaxError("not an object", 0);
  let at = skipSpace(text, 1);
  while (text[at] !== "}") {
    if (text[at] !== '"') throw new JsonSyntaxError("expected a name", at);
    const nameEnd = endOfString(text, at);
    const name: unknown = JSON.parse(text.slice(at, nameEnd));
    const colon = skipSpace(text, nameEnd);
    if (text[colon] !== ":") throw new JsonSyntaxError("expected :", colon);
    const from = skipSpace(text, colon + 1);
    const end = endOfValue(text, from);
    yield [String(name), text.slice(from, end)];
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    else if (text[at] !== "}") throw new JsonSyntaxError("expected , or }", at);
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
