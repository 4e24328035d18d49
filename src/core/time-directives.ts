/** What a text says about a time. Absent parts were not in it. */
export interface TimeParts {
  year?: number;
  /** 1 to 12. */
  month?: number;
  day?: number;
  hour?: number;
  minute?: number;
  second?: number;
  /** The fraction of the second; what is finer is cut off. */
  nanos?: number;
  /** For hours of a clock with twelve of them. */
  isAfternoon?: boolean;
  /** Milliseconds ahead of UTC. */
  offsetMs?: number;
  epochSeconds?: number;
}

/** Reads its part of the text from `at` on. Returns where the next part begins, or -1 if the text is another one. */
export type Step = (text: string, at: number, parts: TimeParts) => number;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_NAMES = "january february march april may june july august september october november december".split(" ");
const DAY_NAMES = "monday tuesday wednesday thursday friday saturday sunday".split(" ");

const ZERO = 0x30;
const isDigit = (code: number): boolean => code >= ZERO && code <= ZERO + 9;
const isLetter = (code: number): boolean => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
/** Java writes a narrow no-break space before AM and PM. */
const isSpace = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0xa0 || code === 0x202f;

/** A number of `min` to `max` digits in a range; blanks that pad it are passed over. */
const number =
  (min: number, max: number, low: number, high: number, set: (parts: TimeParts, value: number) => void): Step =>
  (text, start, parts) => {
    let at = start;
    while (at - start < max - min && isSpace(text.charCodeAt(at))) at += 1;
    const first = at;
    let value = 0;
    for (; at - start < max && isDigit(text.charCodeAt(at)); at += 1) value = value * 10 + text.charCodeAt(at) - ZERO;
    if (at - first < min || value < low || value > high) return -1;
    set(parts, value);
    return at;
  };

/** Digits after the point, as many as there are. */
const fraction: Step = (text, start, parts) => {
  let at = start;
  let nanos = 0;
  for (let unit = 100_000_000; isDigit(text.charCodeAt(at)); at += 1, unit /= 10)
    if (unit >= 1) nanos += (text.charCodeAt(at) - ZERO) * unit;
  parts.nanos = nanos;
  return at > start ? at : -1;
};

/** A fraction with its point or comma, or none. */
const optionalFraction: Step = (text, at, parts) => {
  const isPoint = text.charCodeAt(at) === 0x2e || text.charCodeAt(at) === 0x2c;
  return isPoint && isDigit(text.charCodeAt(at + 1)) ? fraction(text, at + 1, parts) : at;
};

/** The letters from `at` on, in lower case; none of the names looked for has more than nine. */
function word(text: string, at: number): string {
  let end = at;
  while (end - at < 10 && isLetter(text.charCodeAt(end))) end += 1;
  return text.slice(at, end).toLowerCase();
}

/** A month by its name or the first three letters of it. */
const monthName: Step = (text, at, parts) => {
  const name = word(text, at);
  const month = MONTHS.indexOf(name.slice(0, 3));
  if (month === -1 || (name.length > 3 && name !== MONTH_NAMES[month])) return -1;
  parts.month = month + 1;
  return at + name.length;
};

/** A day of the week: it says nothing that the date does not, and is wrong in some logs. */
const dayName: Step = (text, at) => {
  const name = word(text, at);
  return name.length >= 3 && DAY_NAMES.some((day) => day === name || day.slice(0, 3) === name) ? at + name.length : -1;
};

const halfOfDay: Step = (text, at, parts) => {
  const half = text.slice(at, at + 2).toLowerCase();
  if (half !== "am" && half !== "pm") return -1;
  parts.isAfternoon = half === "pm";
  return at + 2;
};

/** `Z`, `UTC`, `GMT`, `+02`, `+0200`, `+02:00`. */
const offset: Step = (text, at, parts) => {
  const sign = text.charCodeAt(at);
  if (sign !== 0x2b && sign !== 0x2d) {
    const name = word(text, at);
    if (name !== "z" && name !== "utc" && name !== "gmt") return -1;
    parts.offsetMs = 0;
    return at + name.length;
  }
  const unsigned: TimeParts = {};
  let end = twoDigitHour(text, at + 1, unsigned);
  if (end === -1) return -1;
  const minutes = twoDigitMinute(text, text.charCodeAt(end) === 0x3a ? end + 1 : end, unsigned);
  if (minutes !== -1) end = minutes;
  const ms = ((unsigned.hour ?? 0) * 60 + (unsigned.minute ?? 0)) * 60_000;
  parts.offsetMs = sign === 0x2d ? -ms : ms;
  return end;
};

const twoDigitHour = number(2, 2, 0, 23, (parts, value) => (parts.hour = value));
const twoDigitMinute = number(2, 2, 0, 59, (parts, value) => (parts.minute = value));

/** The name of a zone. Only UTC's says for certain which one: of other letters there are several zones each. */
const zoneName: Step = (text, at, parts) => {
  const name = word(text, at);
  if (name === "z" || name === "utc" || name === "gmt") parts.offsetMs = 0;
  return name === "" ? -1 : at + name.length;
};

export const spaces: Step = (text, start) => {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at > start ? at : -1;
};

export const literal =
  (expected: string): Step =>
  (text, at) =>
    text.startsWith(expected, at) ? at + expected.length : -1;

const day = number(1, 2, 1, 31, (parts, value) => (parts.day = value));
const hour = number(1, 2, 0, 23, (parts, value) => (parts.hour = value));
const hourOfTwelve = number(1, 2, 1, 12, (parts, value) => (parts.hour = value));

/** Directives of strptime(3), with those for fractions that Fluent Bit, Python and Ruby have. */
export const DIRECTIVES: Readonly<Record<string, Step>> = {
  Y: number(4, 4, 0, 9_999, (parts, value) => (parts.year = value)),
  y: number(2, 2, 0, 99, (parts, value) => (parts.year = value + (value < 69 ? 2_000 : 1_900))),
  m: number(1, 2, 1, 12, (parts, value) => (parts.month = value)),
  d: day,
  e: day,
  b: monthName,
  B: monthName,
  h: monthName,
  a: dayName,
  A: dayName,
  H: hour,
  k: hour,
  I: hourOfTwelve,
  l: hourOfTwelve,
  M: number(1, 2, 0, 59, (parts, value) => (parts.minute = value)),
  S: number(1, 2, 0, 60, (parts, value) => (parts.second = value)),
  L: fraction,
  f: fraction,
  N: fraction,
  // Ours, for the formats that are known without being named.
  ".": optionalFraction,
  p: halfOfDay,
  P: halfOfDay,
  z: offset,
  Z: zoneName,
  s: number(1, 12, 0, 999_999_999_999, (parts, value) => (parts.epochSeconds = value)),
  "%": literal("%"),
};
