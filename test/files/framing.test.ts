import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameLines } from "../../src/files/framing.ts";
import { type Frame, referenceFrames } from "./reference-framer.ts";

interface Framed {
  readonly frames: readonly Frame[];
  readonly decided: number;
}

function frame(bytes: Buffer, maxRecordBytes = 100, { continued = false, final = false } = {}): Framed {
  const frames: Frame[] = [];
  const decided = frameLines(bytes, { maxRecordBytes, continued, final }, (...found) => frames.push(found));
  return { frames, decided };
}

/** Texts of the frames, with a mark where a line was split. */
const texts = (text: string, maxRecordBytes = 100, options = {}): readonly string[] => {
  const bytes = Buffer.from(text);
  return frame(bytes, maxRecordBytes, options).frames.map(
    ([start, end, , split]) => (split === undefined ? "" : `${split}:`) + bytes.toString("utf8", start, end),
  );
};

test.each<[string, string, readonly string[], number]>([
  ["nothing", "", [], 0],
  ["one line", "a\n", ["a"], 2],
  ["no line feed yet", "abc", [], 0],
  ["a line and the beginning of one", "a\nbc", ["a"], 2],
  ["CRLF", "a\r\nb\r\n", ["a", "b"], 6],
  ["mixed ends", "a\nb\r\nc\n", ["a", "b", "c"], 7],
  ["blank lines", "\n\r\n\na\n\n", ["a"], 7],
  ["a CR whose LF is not there yet", "a\r", [], 0],
  ["CRs within a line", "a\rb\r\r\n", ["a\rb\r"], 6],
  ["a CR at the end of the line before", "\r\n\n", [], 3],
  ["NULs", "a\0b\n\0\n", ["a\0b", "\0"], 6],
  ["white space, which is no blank line", " \n\t\n", [" ", "\t"], 4],
  ["ends of lines that only other standards know", "a\u2028b\u0085c\v\f\n", ["a\u2028b\u0085c\v\f"], 11],
])("%s", (_, text, expected, decided) => {
  expect(texts(text)).toEqual(expected);
  expect(frame(Buffer.from(text)).decided).toBe(decided);
});

test.each<[string, readonly string[]]>([
  ["abc", ["abc"]],
  ["a\nbc", ["a", "bc"]],
  ["a\n", ["a"]],
  ["a\r", ["a\r"]],
  ["", []],
  ["\n", []],
])("when no byte can follow, what stands after the last line feed of %j is a line", (text, expected) => {
  expect(texts(text, 100, { final: true })).toEqual(expected);
  expect(frame(Buffer.from(text), 100, { final: true }).decided).toBe(Buffer.byteLength(text));
});

test.each<[string, string, readonly string[]]>([
  ["one under", "123\n", ["123"]],
  ["exactly at", "1234\n", ["1234"]],
  ["one over", "12345\n", ["first:1234", "last:5"]],
  ["exactly at, with CRLF", "1234\r\n", ["1234"]],
  ["one over, with CRLF", "12345\r\n", ["first:1234", "last:5"]],
  ["twice", "12345678\n", ["first:1234", "last:5678"]],
  ["twice, with CRLF", "12345678\r\n", ["first:1234", "last:5678"]],
  ["more than twice", "123456789\n", ["first:1234", "middle:5678", "last:9"]],
  ["exactly at, CR within", "12\r4\n", ["12\r4"]],
  ["neighbours are intact", "a\n123456\nb\n", ["a", "first:1234", "last:56", "b"]],
])("a line against the limit of 4 bytes: %s", (_, text, expected) => {
  expect(texts(text, 4)).toEqual(expected);
});

test("a long line without an end is cut as far as it is decided, and never waits for its end", () => {
  expect(texts("123456789", 4)).toEqual(["first:1234", "middle:5678"]);
  expect(frame(Buffer.from("123456789"), 4).decided).toBe(8);
});

test("bytes that go on with a line of which pieces were framed before are marked as its rest", () => {
  expect(texts("56\nb\n", 4, { continued: true })).toEqual(["last:56", "b"]);
  expect(texts("56789\nb\n", 4, { continued: true })).toEqual(["middle:5678", "last:9", "b"]);
});

test.each<[string, number, readonly string[]]>([
  ["éé\n", 3, ["first:é", "last:é"]],
  ["漢字\n", 4, ["first:漢", "last:字"]],
  ["a😀\n", 4, ["first:a", "last:😀"]],
  ["😀😀\n", 7, ["first:😀", "last:😀"]],
  ["ab😀\n", 6, ["ab😀"]],
])("%j is not cut inside of a character at %d bytes", (text, limit, expected) => {
  expect(texts(text, limit)).toEqual(expected);
});

test("bytes that are no UTF-8 are cut at the limit", () => {
  const bytes = Buffer.from([...Array.from({ length: 10 }, () => 0x80), 0x0a]);
  expect(frame(bytes, 4).frames.map(([start, end]) => end - start)).toEqual([4, 4, 2]);
});

describe("any bytes", () => {
  // Few values, so that ends of lines and borders of characters meet often.
  const byte = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(0x0a, 0x0d, 0x61) },
    fc.constantFrom(0x00, 0x80, 0xbf, 0xc3, 0xa9, 0xe6, 0xf0, 0x9f),
    fc.nat(255),
  );
  const bytes = fc.array(byte, { maxLength: 60 }).map((values) => Buffer.from(values));

  test("are framed as the plainest framer does", () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 4, max: 20 }), (input, max) => {
        expect(frame(input, max, { final: true }).frames).toEqual(referenceFrames(input, max, true));
      }),
      { numRuns: 3_000 },
    );
  });

  test("however they come in pieces, the frames are the same", () => {
    fc.assert(
      fc.property(
        bytes,
        fc.integer({ min: 4, max: 20 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        (input, max, cuts) => {
          const found: Frame[] = [];
          let position = 0;
          for (const end of [...cuts.map((cut) => Math.min(cut, input.length)).sort((a, b) => a - b), input.length]) {
            const from = position;
            const continued = from > 0 && input[from - 1] !== 0x0a;
            const { frames, decided } = frame(input.subarray(from, end), max, { continued });
            found.push(...frames.map(([a, b, c, mark]): Frame => [a + from, b + from, c + from, mark]));
            position = from + decided;
          }
          const last = frame(input.subarray(position), max, {
            continued: position > 0 && input[position - 1] !== 0x0a,
            final: true,
          });
          found.push(...last.frames.map(([a, b, c, mark]): Frame => [a + position, b + position, c + position, mark]));
          expect(found).toEqual(referenceFrames(input, max, true));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("frames are in order, do not overlap, hold no blank and no line feed, and leave out only ends of lines", () => {
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), fc.boolean(), (input, max, final) => {
        const { frames, decided } = frame(input, max, { final });
        let at = 0;
        for (const [start, contentEnd, end] of frames) {
          expect(start).toBeGreaterThanOrEqual(at);
          expect(contentEnd).toBeGreaterThan(start);
          expect(end).toBeGreaterThanOrEqual(contentEnd);
          expect(contentEnd - start).toBeLessThanOrEqual(max);
          expect(input.subarray(start, contentEnd).includes(0x0a)).toBe(false);
          expect(Buffer.from(input.subarray(at, start)).every((value) => value === 0x0a || value === 0x0d)).toBe(true);
          at = end;
        }
        expect(decided).toBeGreaterThanOrEqual(at);
        expect(final ? decided : input.length).toBe(input.length);
      }),
      { numRuns: 1_000 },
    );
  });
});
