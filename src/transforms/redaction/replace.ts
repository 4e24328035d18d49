import { skipPrimitive, skipString, type Span } from "../json-text.ts";

/** A part of a text that is to be replaced. */
export interface Redaction {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Around how many strings of JSON there are, one in the other, if the text is none itself: so often is it escaped. */
  readonly level: number;
}

/** In the order of their places; what overlaps becomes one, with the replacement of the first. */
export function merge(redactions: readonly Redaction[]): readonly Redaction[] {
  const merged: Redaction[] = [];
  for (const redaction of redactions.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1);
    if (last === undefined || redaction.start >= last.end) merged.push(redaction);
    else if (redaction.end > last.end) merged[merged.length - 1] = { ...last, end: redaction.end };
  }
  return merged;
}

/** Replaces parts of any text. The redactions are merged ones. */
export function replaceInText(text: string, redactions: readonly Redaction[]): string {
  let result = "";
  let from = 0;
  for (const { start, end, replacement, level } of redactions) {
    result += text.slice(from, start) + escaped(replacement, level);
    from = end;
  }
  return result + text.slice(from);
}

/** Only what JSON has outside of strings. */
const PRIMITIVE = /^[-+.\w]+$/;

/**
 * Replaces parts of valid JSON, so that it stays valid: within a string the replacement is escaped, in place of a number it
 * is a string. Only where a part is more than one value, or more than a value's inside, is the rest no JSON any more.
 */
export function replaceInJson(json: string, redactions: readonly Redaction[]): string {
  const fitted: Redaction[] = [];
  let string = nextString(json, 0);
  for (const { start, end, replacement, level } of withWholeEscapes(json, redactions)) {
    // A number is replaced as a whole, however much of it was found.
    if (end <= (fitted.at(-1)?.end ?? 0)) continue;
    while (string !== undefined && string.end <= start) string = nextString(json, string.end);
    if (string !== undefined && start > string.start && end < string.end) {
      fitted.push({ start, end, replacement, level: Math.max(level, 1) });
    } else if (PRIMITIVE.test(json.slice(start, end)) && (string === undefined || end <= string.start)) {
      fitted.push({ ...primitiveAround(json, start), replacement: JSON.stringify(replacement), level: 0 });
    } else {
      fitted.push({ start, end, replacement, level: 0 });
    }
  }
  return replaceInText(json, merge(fitted));
}

function nextString(json: string, from: number): Span | undefined {
  const start = json.indexOf('"', from);
  return start === -1 ? undefined : { start, end: skipString(json, start) };
}

function primitiveAround(json: string, at: number): Span {
  let start = at;
  while (start > 0 && PRIMITIVE.test(json.charAt(start - 1))) start -= 1;
  return { start, end: skipPrimitive(json, start) };
}

function escaped(text: string, level: number): string {
  let result = text;
  for (let times = 0; times < level; times += 1) result = JSON.stringify(result).slice(1, -1);
  return result;
}

/** In JSON nothing begins or ends in the middle of an escape sequence. The redactions are merged ones. */
function withWholeEscapes(json: string, redactions: readonly Redaction[]): readonly Redaction[] {
  let escape = nextEscape(json, 0);
  /** The escape sequence that a place is in the middle of. Places come in their order, so that the text is passed once. */
  const around = (at: number): Span | undefined => {
    while (escape !== undefined && escape.end <= at) escape = nextEscape(json, escape.end);
    return escape !== undefined && escape.start < at ? escape : undefined;
  };
  const whole = redactions.map((redaction) => {
    const start = around(redaction.start)?.start ?? redaction.start;
    return { ...redaction, start, end: around(redaction.end)?.end ?? redaction.end };
  });
  return merge(whole);
}

function nextEscape(json: string, from: number): Span | undefined {
  const start = json.indexOf("\\", from);
  return start === -1 ? undefined : { start, end: start + (json[start + 1] === "u" ? 6 : 2) };
}
