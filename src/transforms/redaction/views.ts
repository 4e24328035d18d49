/** A text as it reads once its escapes are resolved, and where each of its characters stands in the text as it is. */
export interface View {
  readonly text: string;
  /** How many times escapes were resolved: JSON in a string of JSON has escapes of escapes. */
  readonly level: number;
  /** The offset in the original text of a character, or of the end. */
  origin(at: number): number;
}

/** JSON in a string of JSON in a string of JSON in a string of JSON: as deep as secrets are looked for. */
const MAX_LEVEL = 4;

/** The text as it is. */
export const original = (text: string): View => ({ text, level: 0, origin: (at) => at });

/** The text as it is, then with its escapes resolved, again and again while there are any. */
export function* viewsOf(text: string): Generator<View> {
  let view: View = original(text);
  yield view;
  while (view.level < MAX_LEVEL) {
    const next = unescape(view);
    if (next === undefined) return;
    view = next;
    yield view;
  }
}

const SIMPLE: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Resolves the escapes of JSON strings; undefined if there are none. Whatever else follows a backslash stays. */
function unescape(outer: View): View | undefined {
  const { text } = outer;
  let result = "";
  let from = 0;
  /** Behind which characters of the result more than one character is skipped, and how many in all up to there. */
  const places: number[] = [];
  const skipped: number[] = [];
  for (let at = text.indexOf("\\"); at !== -1; at = text.indexOf("\\", Math.max(from, at + 1))) {
    const { character, length } = escapeAt(text, at);
    if (length === 0) continue;
    result += text.slice(from, at) + character;
    from = at + length;
    places.push(result.length);
    skipped.push(from - result.length);
  }
  if (from === 0) return undefined;
  result += text.slice(from);
  const origin = (at: number): number => outer.origin(at + (skipped[countUpTo(places, at) - 1] ?? 0));
  return { text: result, level: outer.level + 1, origin };
}

/** How many of the numbers, which ascend, are at most `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function escapeAt(text: string, at: number): { readonly character: string; readonly length: number } {
  const next = text[at + 1] ?? "";
  const simple = SIMPLE[next];
  if (simple !== undefined) return { character: simple, length: 2 };
  const hex = next === "u" ? text.slice(at + 2, at + 6) : "";
  if (!/^[\da-fA-F]{4}$/.test(hex)) return NO_ESCAPE;
  return { character: String.fromCharCode(Number.parseInt(hex, 16)), length: 6 };
}

const NO_ESCAPE = { character: "", length: 0 };
