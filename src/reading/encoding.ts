import { encodingName } from "../core/encoding-label.ts";
import { type FramingOptions, frameLines, frameWideLines, type OnFrame } from "../files/framing.ts";

/** How the bytes of a file become lines of text. */
export interface Encoding {
  /** Whether it is UTF-8, whose bytes can stand for their text. */
  readonly isUtf8: boolean;
  /** Bytes of the smallest unit; offsets of lines are multiples of it. */
  readonly unit: 1 | 2;
  readonly frame: (bytes: Buffer, options: FramingOptions, onFrame: OnFrame) => number;
  /** Whether the bytes end with a line feed. */
  readonly endsLine: (bytes: Buffer) => boolean;
  readonly decode: (bytes: Buffer) => string;
}

const LF = 0x0a;

const UTF8: Encoding = {
  isUtf8: true,
  unit: 1,
  frame: frameLines,
  endsLine: (bytes) => bytes.at(-1) === LF,
  decode: (bytes) => bytes.toString("utf8"),
};

const wide = (label: string, bigEndian: boolean): Encoding => {
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  return {
    isUtf8: false,
    unit: 2,
    frame: (bytes, options, onFrame) => frameWideLines(bytes, bigEndian, options, onFrame),
    endsLine: (bytes) => bytes.at(bigEndian ? -1 : -2) === LF && bytes.at(bigEndian ? -2 : -1) === 0,
    decode: (bytes) => decoder.decode(bytes),
  };
};

const byLabel = new Map<string, Encoding>([
  ["utf-8", UTF8],
  ["utf-16le", wide("utf-16le", false)],
  ["utf-16be", wide("utf-16be", true)],
]);

/** The encoding of a label; throws a RangeError if there is none. */
export function encodingOf(label: string): Encoding {
  const name = encodingName(label);
  const known = byLabel.get(name);
  if (known !== undefined) return known;
  const decoder = new TextDecoder(name, { ignoreBOM: true });
  const made: Encoding = {
    ...UTF8,
    isUtf8: false,
    frame: (bytes, options, onFrame) => frameLines(bytes, { ...options, isUtf8: false }, onFrame),
    decode: (bytes) => decoder.decode(bytes),
  };
  byLabel.set(name, made);
  return made;
}

/** What a file is encoded in, and how long the byte order mark at its beginning is that says so. */
export interface FileEncoding {
  readonly encoding: Encoding;
  readonly markBytes: 0 | 2 | 3;
}

/** `head` are the first bytes of the file, at least 3 if it has as many. A byte order mark overrules the setting. */
export function detectEncoding(head: Buffer, label: string): FileEncoding {
  const [a, b, c] = head;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { encoding: UTF8, markBytes: 3 };
  if (a === 0xff && b === 0xfe) return { encoding: encodingOf("utf-16le"), markBytes: 2 };
  if (a === 0xfe && b === 0xff) return { encoding: encodingOf("utf-16be"), markBytes: 2 };
  return { encoding: encodingOf(label), markBytes: 0 };
}
