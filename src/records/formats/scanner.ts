/** Reads a line from left to right, token by token. Every method returns undefined, and moves nothing, if it is not there. */
export class Scanner {
  readonly text: string;
  at: number;

  constructor(text: string, at = 0) {
    this.text = text;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  get rest(): string {
    return this.text.slice(this.at);
  }

  /** Whether these characters are next; then it moves over them. */
  skip(expected: string): boolean {
    if (!this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  skipSpaces(): void {
    while (this.text.charCodeAt(this.at) === 0x20) this.at += 1;
  }

  /** What stands before the next `end`, which is moved over too. */
  until(end: string): string | undefined {
    const found = this.text.indexOf(end, this.at);
    if (found === -1) return undefined;
    const token = this.text.slice(this.at, found);
    this.at = found + end.length;
    return token;
  }

  /** A run of characters other than blanks, with one blank after it or the line's end. */
  word(): string | undefined {
    const found = this.text.indexOf(" ", this.at);
    const end = found === -1 ? this.text.length : found;
    if (end === this.at) return undefined;
    const token = this.text.slice(this.at, end);
    this.at = Math.min(end + 1, this.text.length);
    return token;
  }

  /** What stands between a quote and the next one that no backslash precedes, as it stands; and one blank after it. */
  quoted(): string | undefined {
    if (this.text.charCodeAt(this.at) !== 0x22) return undefined;
    let end = this.at + 1;
    for (; end < this.text.length && this.text.charCodeAt(end) !== 0x22; end += 1)
      if (this.text.charCodeAt(end) === 0x5c) end += 1;
    if (end >= this.text.length) return undefined;
    const token = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    this.skip(" ");
    return token;
  }
}

/** A number that is written plainly and exactly; undefined for anything else, `-` among it. */
export const plainNumber = (text: string | undefined): number | undefined =>
  text !== undefined && text.length < 16 && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined;
