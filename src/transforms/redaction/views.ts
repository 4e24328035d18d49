/** A text as it reads once its escapes are resolved, and where each of its characters stands in the text as it is. */
export interface View {
  readonly text: string;
  /** Offset in the original text of each character, and of the end. Undefined: the text is the original. */
  readonly origins: Uint32Array | undefined;
  /** How many times escapes were resolved: JSON in a string of JSON has escapes of escapes. */
  readonly level: number;
}

/** JSON in a string of JSON in a string of JSON in a string of JSON: as deep as secrets are looked for. */
const MAX_LEVEL = 4;

/** The text as it is, then with its escapes resolved, again and again while there are any. */
export function* viewsOf(text: string): Generator<View> {
  let view: View = { text, origins: undefined, level: 0 };
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
function unescape({ text, origins, level }: View): View | undefined {
  let at = text.indexOf("\\");
  if (at === -1) return undefined;
  const to = new Uint32Array(text.length + 1);
  let result = "";
  let from = 0;
  let isChanged = false;
  const copy = (end: number): void => {
    for (let index = from; index < end; index += 1) to[result.length + index - from] = origins?.[index] ?? index;
    result += text.slice(from, end);
    from = end;
  };
  for (; at !== -1; at = text.indexOf("\\", Math.max(from, at + 1))) {
    const { character, length } = escapeAt(text, at);
    if (length === 0) continue;
    copy(at);
    to[result.length] = origins?.[at] ?? at;
    result += character;
    from = at + length;
    isChanged = true;
  }
  copy(text.length);
  to[result.length] = origins?.[text.length] ?? text.length;
  return isChanged ? { text: result, origins: to.subarray(0, result.length + 1), level: level + 1 } : undefined;
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
