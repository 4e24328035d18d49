import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { START } from "../../src/core/position.ts";
import { encodingOf } from "../../src/reading/encoding.ts";
import { isSeenOtherwise } from "../support/seen-otherwise.ts";
import { reading, readThrough } from "./scene.ts";

/** What other shippers' own tests expect. Lies beside the project, where it is present at all. */
const CASES = fileURLToPath(new URL("../../../shared/cases/encodings.json", import.meta.url));

interface Case {
  readonly id: string;
  readonly class: string;
  readonly encoding: string;
  readonly input_b64: string;
  readonly expected_lines: readonly string[];
}

const file: { readonly cases: readonly Case[] } = existsSync(CASES)
  ? JSON.parse(readFileSync(CASES, "utf8"))
  : { cases: [] };
const cases = file.cases.filter((one) => !isSeenOtherwise(one));

test.skipIf(cases.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(cases).toEqual([]);
});

test.each(cases.map((one) => [one.id, one] as const))("%s", async (_, { encoding, input_b64, expected_lines }) => {
  const input = Buffer.from(input_b64, "base64");
  for (const piece of [input.length, 1, 3]) {
    const scene = await reading(input, { encoding });
    const bodies: string[] = [];
    let position = START;
    for (let size = Math.min(piece, input.length); ; size = Math.min(size + piece, input.length)) {
      scene.file.size = size;
      const { records, end } = await readThrough(scene, position);
      bodies.push(...records.map(({ body }) => body));
      position = end;
      if (size === input.length) break;
    }
    expect(bodies).toEqual(expected_lines);
    await scene.scene.registry.close();
  }
});

const utf16 = (text: string, bigEndian: boolean): Buffer => {
  const bytes = Buffer.from(text, "utf16le");
  return bigEndian ? bytes.swap16() : bytes;
};

describe("UTF-16", () => {
  test.each([false, true])(
    "is told by its byte order mark, and lines have exact offsets (big-endian: %s)",
    async (big) => {
      const scene = await reading(utf16("\uFEFFa\r\n\nb\u0A0A\u0D0Dc\nrest", big));
      const { records, end } = await readThrough(scene);
      expect(records.map(({ body, offset, length }) => [body, offset, length])).toEqual([
        ["a", 2, 6],
        ["b\u0A0A\u0D0Dc", 10, 10],
      ]);
      const rest = await readThrough(scene, end, true);
      expect(rest.records.map(({ body, offset }) => [body, offset])).toEqual([["rest", 20]]);
    },
  );

  test("half a unit at the very end is shown as what it is, and comes to an end", async () => {
    const scene = await reading(Buffer.concat([utf16("a\n", false), Buffer.from([0x62])]), { encoding: "utf-16le" });
    const { records, end } = await readThrough(scene, START, true);
    expect(records.map(({ body }) => body)).toEqual(["a", "\uFFFD"]);
    expect(end.offset).toBe(5);
  });

  test("a long line is split at the border of a character", async () => {
    const scene = await reading(utf16(`${"😀".repeat(40)}\n`, false), { encoding: "utf-16le", maxRecordBytes: 66 });
    const { records } = await readThrough(scene);
    expect(records.map(({ body, split }) => [body, split])).toEqual([
      ["😀".repeat(16), "first"],
      ["😀".repeat(16), "middle"],
      ["😀".repeat(8), "last"],
    ]);
  });
});

describe("an encoding may be named", () => {
  test.each([
    ["cp1252", [0x80], "€"],
    ["win1251", [0xcf], "П"],
    ["Windows1253", [0xe1], "α"],
    ["CP866", [0x8f], "П"],
    ["cp874", [0xa1], "ก"],
    ["cp932", [0x83, 0x5c], "ソ"],
    ["ShiftJIS", [0x83, 0x5c], "ソ"],
    ["cp936", [0xc4, 0xe3], "你"],
    ["cp949", [0xc7, 0xd1], "한"],
    ["UHC", [0xc7, 0xd1], "한"],
    ["cp950", [0xa7, 0xe9], "折"],
    ["cp65001", [0xc3, 0xa9], "é"],
    ["koi8r", [0xf0], "П"],
    ["koi8u", [0xa4], "є"],
    ["iso8859-16", [0xa2], "ą"],
    ["iso-8859-15", [0xa4], "€"],
  ])("%s", (label, bytes, text) => {
    expect(encodingOf(label).decode(Buffer.from(bytes))).toBe(text);
  });

  test.each(["cp437", "cp12", "win", "gzip", ""])("but not %j", (label) => {
    expect(() => encodingOf(label)).toThrow(RangeError);
  });
});

test("a line of another encoding is split where a character ends", async () => {
  // Shift_JIS 0x83 0x5C: the second byte is a backslash in ASCII.
  const line = Buffer.concat([Buffer.from([0x83, 0x5c, 0x83, 0x5c, 0x20, 0x83, 0x5c, 0x83, 0x5c])]);
  const scene = await reading(Buffer.concat([line, Buffer.from("\n")]), { encoding: "shift_jis", maxRecordBytes: 6 });
  const { records } = await readThrough(scene);
  expect(records.map(({ body }) => body)).toEqual(["ソソ ", "ソソ"]);
});

/** A line: its text, the offset of its first byte, and that of the first byte behind its end. */
type Line = readonly [text: string, start: number, end: number];

/** Lines by the plainest way there is: one unit after the other up to a line feed, each line decoded by itself. */
function reference(bytes: Buffer, label: string): readonly Line[] {
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  const width = label.startsWith("utf-16") ? 2 : 1;
  const lines: Line[] = [];
  let start = 0;
  const end = (contentEnd: number, next: number): void => {
    const text = decoder.decode(bytes.subarray(start, contentEnd));
    if (contentEnd > start) lines.push([text, start, next]);
    start = next;
  };
  const unit = (at: number): number => {
    if (width === 1) return bytes[at] ?? -1;
    const [a = 0, b = 0] = bytes.subarray(at, at + 2);
    return label === "utf-16le" ? a + 256 * b : 256 * a + b;
  };
  for (let at = 0; at + width <= bytes.length; at += width) {
    if (unit(at) !== 0x0a) continue;
    const isReturn = at > start && unit(at - width) === 0x0d;
    end(isReturn ? at - width : at, at + width);
  }
  end(bytes.length, bytes.length);
  return lines;
}

/** Bytes with borders of all kinds: of lines, of characters, of units. */
function anyBytes(label: string): fc.Arbitrary<Buffer> {
  const encode = (text: string): Buffer =>
    label === "utf-16be"
      ? Buffer.from(text, "utf16le").swap16()
      : Buffer.from(text, label === "utf-16le" ? "utf16le" : "latin1");
  const piece = fc.oneof(
    fc.constantFrom("\n", "\r\n", "\r", "a", "\0").map(encode),
    // Lead and trail bytes of Shift_JIS, GB 18030 and UTF-8; line feeds that are half of another unit.
    fc.constantFrom(
      [0x83],
      [0x5c],
      [0x81, 0x30],
      [0x81, 0x30, 0x81],
      [0xe6, 0x97],
      [0xf0, 0x9f],
      [0x0a, 0x0a],
      [0x0a, 0x4e],
      [0xd8],
    ),
    fc.uint8Array({ maxLength: 6 }),
  );
  return fc.array(piece, { maxLength: 30 }).map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part))));
}

test.each(["utf-8", "utf-16le", "utf-16be", "latin1", "shift_jis", "gb18030"])(
  "any bytes in any pieces are the lines that a naive reader finds, with the same offsets (%s)",
  (label) => {
    const { frame, decode } = encodingOf(label);
    const property = fc.property(anyBytes(label), fc.array(fc.nat({ max: 20 })), (all, cuts) => {
      const lines: Line[] = [];
      let from = 0;
      let total = 0;
      for (const cut of [...cuts, all.length]) {
        total = Math.min(all.length, total + cut);
        const options = {
          maxRecordBytes: 1_000_000,
          continued: false,
          final: cut === all.length && total === all.length,
        };
        const start = from;
        from += frame(all.subarray(start, total), options, (at, contentEnd, end) => {
          lines.push([decode(all.subarray(start + at, start + contentEnd)), start + at, start + end]);
        });
      }
      return isDeepStrictEqual([lines, from], [reference(all, label), all.length]);
    });
    expect(() => fc.assert(property, { numRuns: 500 })).not.toThrow();
  },
);
