import { eachIndex, eachMatch, type Finder, type OnCandidate } from "./finder.ts";

/** An at sign, as it is or as URLs have it. */
const AT = /@|%40/g;

/** E-mail addresses, with letters of any script. */
export const email: Finder = {
  find(text, onSecret) {
    let from = 0;
    eachMatch(text, AT, ({ 0: sign, index }) => {
      const start = localStart(text, from, index);
      const end = domainEnd(text, index + sign.length);
      from = index + sign.length;
      if (start === index || end === undefined) return;
      onSecret(start, end);
      from = end;
    });
  },

  candidates(text: string, onCandidate: OnCandidate): void {
    eachIndex(text, "@", onCandidate);
    eachIndex(text, "%40", onCandidate);
  },
};

/** Letters and digits; beyond ASCII everything but what is known to be no letter. */
function isWord(code: number): boolean {
  if (code < 0x80)
    return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return code >= 0xc0 && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x3000 && code <= 0x303f) && code !== 0xfffd;
}

/** Characters of a local part besides letters and digits, as far as they are in use: most others stand beside an address. */
const LOCAL = "!#$%'*+-.^_~";

function localStart(text: string, from: number, at: number): number {
  let start = at;
  while (start > from && (isWord(text.charCodeAt(start - 1)) || LOCAL.includes(text.charAt(start - 1)))) start -= 1;
  // What is no letter at its beginning is punctuation of the text before it.
  while (start < at && !isWord(text.charCodeAt(start)) && text[start] !== "_") start += 1;
  return start;
}

/** The end of a domain of at least two labels; undefined if there is none. */
function domainEnd(text: string, from: number): number | undefined {
  let end = from;
  while (isWord(text.charCodeAt(end)) || text[end] === "-" || text[end] === ".") end += 1;
  while (end > from && !isWord(text.charCodeAt(end - 1))) end -= 1;
  const domain = text.slice(from, end);
  const dot = domain.lastIndexOf(".");
  return dot > 0 && domain.length - dot > 2 && isWord(domain.charCodeAt(0)) ? end : undefined;
}
