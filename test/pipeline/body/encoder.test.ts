import { isAscii } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BufferPool } from "../../../src/core/buffer-pool.ts";
import { LogRecord } from "../../../src/core/record.ts";
import type { Sink } from "../../../src/core/sink.ts";
import { TextPage } from "../../../src/core/text-page.ts";
import { BodyEncoder } from "../../../src/pipeline/body/encoder.ts";
import { createPlainEscaper, createWasmEscaper } from "../../../src/pipeline/body/escaper.ts";

const origin = { source: "app", path: "/logs/app.log" };
const noFields = () => ({});

interface Piece {
  readonly text: string;
  readonly head: string;
  readonly tail: string;
  /** Whether the text stands on a page, or is the record's own. */
  readonly paged: boolean;
  readonly quoted: boolean;
}

/** Records of the texts, those on a page one behind the other with a line feed between. */
function recordsOf(pieces: readonly Piece[], base: number): readonly LogRecord[] {
  const bytes = Buffer.from(pieces.map(({ text }) => `${text}\n`).join(""));
  const page = new TextPage(bytes, base, isAscii(bytes));
  let offset = base;
  return pieces.map(({ text, paged }) => {
    const length = Buffer.byteLength(text) + 1;
    const record = new LogRecord(paged ? page : text, offset, length, origin, noFields, undefined, paged ? 1 : 0);
    offset += length;
    return record;
  });
}

const sinkOf = (pieces: readonly Piece[]): Pick<Sink, "encode"> => ({
  encode(records, body) {
    body.text("[");
    for (const [index, { head, tail, quoted }] of pieces.entries()) {
      const record = records[index];
      if (record === undefined) continue;
      if (quoted) body.quoted(head, record, tail);
      else body.verbatim(head, record, tail);
    }
    body.text("]");
  },
});

const expected = (pieces: readonly Piece[]): string =>
  `[${pieces.map(({ text, head, tail, quoted }) => head + (quoted ? JSON.stringify(text) : text) + tail).join("")}]`;

describe.each([
  ["WebAssembly", createWasmEscaper],
  ["plain JavaScript", createPlainEscaper],
])("a body made with %s", (_, createEscaper) => {
  const encoder = new BodyEncoder(new BufferPool(8 * 1_024 ** 2), createEscaper());

  const line = fc
    .oneof(
      { weight: 8, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
      fc.constant('"\\\u0001é😀'.repeat(20_000)),
    )
    .map((text) => text.toWellFormed().replaceAll("\n", " "));
  const around = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("", '{"message":', ',"é":1}', "x".repeat(2_700)) },
    fc.constantFrom("y".repeat(2_800), "z".repeat(100_000)),
  );
  const piece = fc.record({ text: line, head: around, tail: around, paged: fc.boolean(), quoted: fc.boolean() });

  test("is what its parts say, whatever their lengths, wherever their texts stand", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(), fc.nat({ max: 1_000 }), (pieces, base, guess) => {
        const body = encoder.encode(sinkOf(pieces), recordsOf(pieces, base), guess);
        expect(body.toString()).toBe(expected(pieces));
      }),
      { numRuns: 150 },
    );
  });

  test("may take records of several pages by turns", () => {
    const pieces = Array.from({ length: 200 }, (_, index) => ({
      text: `line "${index}"`,
      head: "{",
      tail: "}",
      paged: true,
      quoted: true,
    }));
    const [a, b] = [recordsOf(pieces, 0), recordsOf(pieces, 50_000)];
    const mixed = a.map((record, index) => (index % 2 === 0 ? record : (b[index] ?? record)));
    expect(encoder.encode(sinkOf(pieces), mixed).toString()).toBe(expected(pieces));
  });

  test("is not made of a page that was released", () => {
    const page = new TextPage(Buffer.from("line\n"), 0, true);
    const record = new LogRecord(page, 0, 5, origin, noFields, undefined, 1);
    const sink: Pick<Sink, "encode"> = { encode: ([first = record], body) => body.quoted("", first, "") };
    expect(encoder.encode(sink, [record]).toString()).toBe('"line"');
    page.release();
    expect(() => encoder.encode(sink, [record])).toThrow(/released/);
    expect(() => record.body).toThrow(/released/);
  });

  test("with a lone surrogate has it escaped in a string and replaced outside", () => {
    const pieces = [{ text: "a\ud800", head: "", tail: "", paged: false, quoted: true }];
    expect(encoder.encode(sinkOf(pieces), recordsOf(pieces, 0)).toString()).toBe('["a\\ud800"]');
  });
});
