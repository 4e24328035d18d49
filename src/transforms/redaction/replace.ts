import { skipPrimitive, skipString } from "../json-text.ts";

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
  for (const { start, end, replacement, level } of redactions) {
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

function nextString(json: string, from: number): { readonly start: number; readonly end: number } | undefined {
  const start = json.indexOf('"', from);
  return start === -1 ? undefined : { start, end: skipString(json, start) };
}

function primitiveAround(json: string, at: number): { readonly start: number; readonly end: number } {
  let start = at;
  while (start > 0 && PRIMITIVE.test(json.charAt(start - 1))) start -= 1;
  return { start, end: skipPrimitive(json, start) };
}

function escaped(text: string, level: number): string {
  let result = text;
  for (let times = 0; times < level; times += 1) result = JSON.stringify(result).slice(1, -1);
  return result;
}

/** The place before an escape sequence of JSON that a place is in the middle of; the place itself if it is in none. */
export function beforeEscape(text: string, at: number): number {
  for (let back = 1; back <= 5 && back <= at; back += 1) {
    if (text[at - back] !== "\\") continue;
    const isEscape = backslashesBefore(text, at - back) % 2 === 0;
    return isEscape && (back === 1 || text[at - back + 1] === "u") ? at - back : at;
  }
  return at;
}

/** The place behind an escape sequence that a place is in the middle of; the place itself if it is in none. */
export function behindEscape(text: string, at: number): number {
  const start = beforeEscape(text, at);
  if (start === at) return at;
  return start + (text[start + 1] === "u" ? 6 : 2);
}

function backslashesBefore(text: string, at: number): number {
  let count = 0;
  while (text[at - 1 - count] === "\\") count += 1;
  return count;
}
