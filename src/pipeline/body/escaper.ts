import { ESCAPE_MODULE } from "./escape-module.ts";

/** Where things stand in an escaper's memory, and how long they may be, bytes. */
export const HEAD = { at: 8_192, length: 8_192 } as const;
export const TAIL = { at: 16_384, length: 8_192 } as const;
/** Reading may go a few bytes beyond its end. */
export const SOURCE = { at: 24_576, length: 65_536 } as const;
/** Takes what a whole source becomes in the worst case (6 bytes for each), with head and tail, when it holds up to 64 KiB. */
export const TARGET = { at: 90_176 } as const;
const MEMORY_BYTES = 10 * 65_536;

/** Writes to `target` and returns the end of what was written. All are places in the escaper's memory, lengths in bytes. */
type Write = (
  head: number,
  headLength: number,
  source: number,
  length: number,
  tail: number,
  tailLength: number,
  target: number,
) => number;

/**
 * Writes JSON strings from UTF-8 bytes, within a small memory of its own: what is to be escaped is copied in, and what it
 * became is copied out. See docs/decisions/escaping.md for why it is not `JSON.stringify`.
 */
export interface Escaper {
  readonly memory: Buffer;
  /** The head, the source as a JSON string with its quotes, the tail. */
  readonly quoted: Write;
  /** The head, the source as it stands, the tail. */
  readonly verbatim: Write;
  /** The source as the inside of a JSON string. */
  readonly escape: (source: number, length: number, target: number) => number;
}

/** What a byte becomes in a JSON string, if it is not itself. Source: RFC 8259, section 7. */
const ESCAPED: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, byte) => {
  const escaped = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
  return escaped.length > 1 ? escaped : undefined;
});

/** The letter behind the backslash of each control character: a `u` stands for four hexadecimal digits. */
const LETTERS = ESCAPED.slice(0, 32).map((escaped) => escaped?.[1]);

/** As far as it is used here; Node's own types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Buffer) => object;
  readonly Instance: new (compiled: object) => {
    /** What `escape.wat` exports. */
    readonly exports: Omit<Escaper, "memory"> & { readonly memory: { readonly buffer: ArrayBuffer } };
  };
};

/** The fast one. Throws where WebAssembly with SIMD is not to be had: an old processor, or Node run with `--jitless`. */
export function createWasmEscaper(): Escaper {
  const compiled = new WebAssembly.Module(Buffer.from(ESCAPE_MODULE, "base64"));
  const { memory, quoted, verbatim, escape } = new WebAssembly.Instance(compiled).exports;
  const bytes = Buffer.from(memory.buffer);
  for (let mask = 0; mask < 256; mask += 1) {
    const order = Array.from({ length: 8 }, (_, index) => ((mask >> index) & 1 ? [0x80, index] : [index])).flat();
    bytes.set(order, mask * 16);
  }
  bytes.write(LETTERS.join(""), 4_096, "latin1");
  bytes.write("0123456789abcdef", 4_128, "latin1");
  return { memory: bytes, quoted, verbatim, escape };
}

/** The same in plain JavaScript. */
export function createPlainEscaper(): Escaper {
  const memory = Buffer.alloc(MEMORY_BYTES);
  const copy = (from: number, length: number, target: number): number => {
    memory.copyWithin(target, from, from + length);
    return target + length;
  };
  const escape: Escaper["escape"] = (source, length, target) => {
    let end = target;
    // Byte by byte, for a source may end in the middle of a character.
    for (const byte of memory.subarray(source, source + length)) {
      const escaped = ESCAPED[byte];
      if (escaped === undefined) memory[end++] = byte;
      else end += memory.write(escaped, end, "latin1");
    }
    return end;
  };
  return {
    memory,
    escape,
    quoted(head, headLength, source, length, tail, tailLength, target) {
      const start = copy(head, headLength, target);
      memory[start] = 0x22;
      const end = escape(source, length, start + 1);
      memory[end] = 0x22;
      return copy(tail, tailLength, end + 1);
    },
    verbatim: (head, headLength, source, length, tail, tailLength, target) =>
      copy(tail, tailLength, copy(source, length, copy(head, headLength, target))),
  };
}

export function createEscaper(): Escaper {
  try {
    return createWasmEscaper();
  } catch {
    // Slower, and otherwise the same: no event, for there is nothing that a user could do.
    return createPlainEscaper();
  }
}
