import { eachMatch, type Finder, type OnCandidate, type OnSecret } from "./finder.ts";

/** Groups of digits with one space or hyphen between them, as many as there are in a row. */
const DIGITS = /(?<!\d)[2-9]\d{2,}(?:[ -]\d{3,})*/g;

/** A large number as a double is printed: `4.111111111111111E15`. */
const EXPONENTIAL = /(?<![\d.])(\d)\.(\d{11,18})[eE]\+?(1[2-8])(?!\d)/g;

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/** Card numbers: 13 to 19 digits of an issuer's range with a valid check digit (Luhn), in one piece or in groups of at least 3. */
export const creditCard: Finder = {
  find(text, onSecret) {
    eachMatch(text, DIGITS, ({ 0: run, index }) => findInRun(run, index, onSecret));
    eachMatch(text, EXPONENTIAL, ({ 0: number, 1: first = "", 2: fraction = "", 3: exponent, index }) => {
      const length = Number(exponent) + 1;
      const digits = (first + fraction).padEnd(length, "0").slice(0, length);
      if (isCard(digits)) onSecret(index, index + number.length);
    });
  },

  candidates: digitRuns,
};

/** Looks at each way to take successive groups, with the same separator between them, that make up the right length. */
function findInRun(run: string, offset: number, onSecret: OnSecret): void {
  if (run.length < MIN_DIGITS) return;
  const starts: number[] = [0];
  for (let at = 0; at < run.length; at += 1) if (!isDigit(run.charCodeAt(at))) starts.push(at + 1);
  for (let first = 0; first < starts.length; first += 1) {
    const start = starts[first] ?? 0;
    const last = longestCard(run, starts, first);
    if (last === undefined) continue;
    const end = (starts[last + 1] ?? run.length + 1) - 1;
    onSecret(offset + start, offset + end);
    first = last;
  }
}

/** The index of the last group of the longest card that begins with a group. */
function longestCard(run: string, starts: readonly number[], first: number): number | undefined {
  let digits = "";
  let found: number | undefined;
  const separator = run.charCodeAt((starts[first + 1] ?? 0) - 1);
  for (let group = first; group < starts.length; group += 1) {
    const start = starts[group] ?? 0;
    if (group > first && run.charCodeAt(start - 1) !== separator) break;
    const end = (starts[group + 1] ?? run.length + 1) - 1;
    if (digits.length + end - start > MAX_DIGITS) break;
    digits += run.slice(start, end);
    if (isCard(digits)) found = group;
  }
  return found;
}

const isCard = (digits: string): boolean => isIssued(digits) && passesLuhn(digits);

/** Whether an issuer has numbers that begin so, of this length. Source: ISO/IEC 7812 and the issuers' own ranges. */
function isIssued(digits: string): boolean {
  const { length } = digits;
  if (length < MIN_DIGITS || length > MAX_DIGITS) return false;
  const prefix = Number(digits.slice(0, 4));
  switch (digits.charCodeAt(0) - 0x30) {
    case 2:
      return length === 16 && ((prefix >= 2_200 && prefix <= 2_204) || (prefix >= 2_221 && prefix <= 2_720));
    case 3:
      if (prefix >= 3_528 && prefix <= 3_589) return length >= 16;
      if (/^3[47]/.test(digits)) return length === 15;
      return /^3(?:0[0-59]|[689])/.test(digits) && length >= 14;
    case 4:
      return length === 13 || length === 16 || length === 19;
    case 5:
      return prefix < 5_100 || prefix >= 5_600 || length === 16;
    case 6:
      return true;
    default:
      return length === 16 && (/^8[12]/.test(digits) || prefix === 9_792);
  }
}

/** Source: ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, isDoubled = false; at >= 0; at -= 1, isDoubled = !isDoubled) {
    const digit = digits.charCodeAt(at) - 0x30;
    const doubled = digit * 2;
    sum += isDoubled ? (doubled > 9 ? doubled - 9 : doubled) : digit;
  }
  return sum % 10 === 0;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Digits, and what may stand between the digits of a card. */
const isPart = (code: number): boolean => isDigit(code) || code === 0x20 || code === 0x2d || code === 0x2e;

/** What the digits of a card look like, of whatever issuer. */
const CARD_LIKE = /(?<!\d)[2-9]\d{2}(?:[ -]?\d){10}|\d\.\d{11}/;

/** How far to both sides of a place a card that covers it is looked for: the longest has 19 digits in groups of 3. */
const REACH = 32;

/** Whatever is as long as a card covers one of the places at which this looks. */
function digitRuns(text: string, onCandidate: OnCandidate): void {
  for (let at = 0; at < text.length; at += MIN_DIGITS - 1) {
    if (!isPart(text.charCodeAt(at)) || !(isPart(text.charCodeAt(at - 1)) || isPart(text.charCodeAt(at + 1)))) continue;
    let start = at;
    while (start > at - REACH && isPart(text.charCodeAt(start - 1))) start -= 1;
    let end = at + 1;
    while (end < at + REACH && isPart(text.charCodeAt(end))) end += 1;
    if (end - start >= MIN_DIGITS && CARD_LIKE.test(text.slice(start, end))) onCandidate(at);
  }
}
