/**
 * How a logger begins its records: with a time, with a level, or with both. Of a line that begins so, the shape: a text with
 * `0` for a digit, `#` for one or two digits, `A` for a letter, `L` for a level, a blank for any number of blanks, and all
 * else as it stands. `2026-01-02 03:04:05` has the shape `0000-#-# #:#:#`.
 */
export interface RecordStart {
  readonly shape: string;
  /** Whether a line has the shape. */
  test(text: string): boolean;
  /** Whether a line may be the second of each record, as java.util.logging writes them: `SEVERE: text`. */
  isSecond(text: string): boolean;
  /** The same for the line that begins at `start`, in an encoding that has ASCII in it. */
  begins(bytes: Uint8Array, start: number): boolean;
}

const LEVELS =
  "trace debug info information notice warn warning error err critical crit fatal severe alert emerg emergency panic fine finer finest config verbose".split(
    " ",
  );

/** In capitals, in small letters, and as names. */
const spellings = LEVELS.flatMap((level) => [level.toUpperCase(), level, level[0]?.toUpperCase() + level.slice(1)]);
const LEVEL = `(?:${spellings.sort((a, b) => b.length - a.length).join("|")})`;
const isLevel: ReadonlySet<string> = new Set(spellings);

const TIME = "\\d{1,2}:\\d\\d:\\d\\d";
const NAME = "[A-Z][a-z]{2}";

/** Times with their dates, and what is as plain. Times alone, numbers and addresses are no starts. */
const DATES = [
  `\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}[T_ ,:-] ?\\d{1,2}:\\d\\d(?::\\d\\d)?`,
  `\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{4},? ${TIME}`,
  `\\d{1,2}[-/ ]${NAME}[-/ ]\\d{4}[ :,] ?${TIME}`,
  `(?:${NAME},? )?${NAME} {1,2}\\d{1,2},?(?: \\d{4},?)? ${TIME}`,
  `\\d{8}[ T-]\\d\\d:?\\d\\d:?\\d\\d`,
  `${TIME} \\d{4}[-/]\\d\\d[-/]\\d\\d`,
];

const START = new RegExp(
  "^(?:" +
    [
      // The letter is Ruby's; brackets and levels may stand before the time.
      `(?:\u001B\\[[\\d;]{1,8}m)?(?:[A-Z], )?[[(]?(?:${LEVEL}[\\])]?:? {1,8}[[(]?)?(?:${DATES.join("|")})(?!\\d)`,
      // klog, logback without a pattern, Serilog on a console, and Python without a format.
      "[IWEF]\\d{4} \\d\\d:\\d\\d:\\d\\d\\.",
      "\\d\\d:\\d\\d:\\d\\d[.,]\\d{3} \\[",
      "\\[\\d\\d:\\d\\d:\\d\\d [A-Z]{3}\\] ",
      "(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):[A-Za-z_]",
    ].join("|") +
    ")",
);

/** A start is no longer than this. */
const MAX_START = 80;

/** The shape of the record's start that a line has, if it has one. */
export function shapeOf(text: string): string | undefined {
  const start = START.exec(text.slice(0, MAX_START))?.[0];
  if (start === undefined) return undefined;
  return start.replace(/[A-Za-z]+|\d+| +/g, (run) => {
    if (run[0] === " ") return " ";
    if (/\d/.test(run)) return run.length < 3 ? "#" : "0".repeat(run.length);
    return isLevel.has(run) ? "L" : run === "T" ? "T" : "A".repeat(run.length);
  });
}

/** What `SimpleFormatter` of java.util.logging writes without a configuration has two lines, the level on the second. */
const JAVA_LOGGING = "AAA #, 0000 #:#:#";
const JAVA_LEVEL = /^(?:SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): /;

const PATTERNS: Readonly<Record<string, string>> = { "0": "\\d", "#": "\\d{1,2}", A: "[A-Za-z]", L: LEVEL, " ": " +" };

const started = new Map<string, RecordStart>();

/** How many shapes are kept compiled: they come from files, and nobody can say how many there are. */
const MAX_COMPILED = 64;

export function recordStart(shape: string): RecordStart {
  let start = started.get(shape);
  if (start === undefined) {
    if (started.size >= MAX_COMPILED) started.clear();
    start = compile(shape);
    started.set(shape, start);
  }
  return start;
}

function compile(shape: string): RecordStart {
  const pattern = new RegExp(
    `^${shape.replace(/./gs, (token) => PATTERNS[token] ?? token.replace(/[^A-Za-z]/, "\\$&"))}`,
  );
  const tokens = Uint8Array.from(shape, (token) => token.charCodeAt(0));
  return {
    shape,
    test: (text) => pattern.test(text),
    isSecond: (text) => shape === JAVA_LOGGING && JAVA_LEVEL.test(text),
    begins: (bytes, start) => hasShape(tokens, bytes, start),
  };
}

const [DIGIT, DIGITS, LETTER, WORD, BLANK] = [0x30, 0x23, 0x41, 0x4c, 0x20];

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isLetter = (byte: number): boolean => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;

/** This is asked for each line of a file that has a shape. Behind the bytes' end there is nothing that any token takes. */
function hasShape(tokens: Uint8Array, bytes: Uint8Array, start: number): boolean {
  let at = start;
  for (const token of tokens) {
    const byte = bytes[at] ?? 0;
    at += 1;
    switch (token) {
      case DIGIT:
        if (!isDigit(byte)) return false;
        break;
      case DIGITS:
        if (!isDigit(byte)) return false;
        if (isDigit(bytes[at] ?? 0)) at += 1;
        break;
      case LETTER:
        if (!isLetter(byte)) return false;
        break;
      case BLANK:
        if (byte !== BLANK) return false;
        while (bytes[at] === BLANK) at += 1;
        break;
      case WORD: {
        const from = at - 1;
        while (isLetter(bytes[at] ?? 0) && at - from < MAX_START) at += 1;
        if (!isLevel.has(String.fromCharCode(...bytes.subarray(from, at)))) return false;
        break;
      }
      default:
        if (byte !== token) return false;
    }
  }
  return true;
}
