/** Told of a secret: from its first character to the one after its last. */
export type OnSecret = (start: number, end: number) => void;

/** Told of a place, in text or in bytes, where there may be a secret. */
export type OnCandidate = (at: number) => void;

/** Finds one kind of secret. Takes time linear in the text, whatever it is. */
export interface Finder {
  find(text: string, onSecret: OnSecret): void;
  /**
   * Tells cheaply of at least one place in or beside each secret that is written without escapes. `text` has a character
   * for each byte (latin1), and may be many lines.
   */
  candidates(text: string, onCandidate: OnCandidate): void;
}

/** The places where a text stands. */
export function eachIndex(text: string, needle: string, onCandidate: OnCandidate): void {
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + needle.length)) onCandidate(at);
}

/** The places where a pattern of bounded length matches. */
export function eachMatch(text: string, pattern: RegExp, onMatch: (match: RegExpExecArray) => void): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    onMatch(match);
    if (match[0] === "") pattern.lastIndex += 1;
  }
}
