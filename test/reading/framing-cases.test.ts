import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { START } from "../../src/core/position.ts";
import { bytesOf, type PeerInput } from "../support/peer-input.ts";
import { reading, readThrough } from "./scene.ts";

/** What other shippers' own tests expect of framing. Lies beside the project, where it is present at all. */
const CASES = fileURLToPath(new URL("../../../shared/cases/framing.json", import.meta.url));

interface Case extends PeerInput {
  readonly id: string;
  readonly class: string;
  readonly expected_lines?: readonly string[];
  readonly expected_lines_b64?: readonly string[];
  readonly expected_line_lengths?: readonly number[];
  readonly expected_count?: number;
  readonly expected_partial_b64?: string;
  readonly expected_partial_len?: number;
  readonly max_line_bytes?: number;
}

function load(): readonly Case[] {
  const file: { readonly cases: readonly Case[] } = JSON.parse(readFileSync(CASES, "utf8"));
  return file.cases.filter((one) => one.class === "must");
}

/** Sizes that the file has one after the other, as its writer writes in pieces. */
function growth(total: number, piece: number): readonly number[] {
  const sizes: number[] = [];
  for (let size = Math.min(piece, total); size < total; size += piece) sizes.push(size);
  return [...sizes, total];
}

const cases = existsSync(CASES) ? load() : [];

test.skipIf(cases.length > 0)(`the cases of other shippers are not here: ${CASES}`, () => {
  expect(cases).toEqual([]);
});

test.each(cases.map((one) => [one.id, one] as const))("%s", async (_, one) => {
  const input = bytesOf(one);
  // Blank lines are filtered, as the design has it; a piece of this size is written at a time.
  const pieces =
    input.length < 300 ? [input.length, 1, 3] : [input.length, Math.max(4_096, Math.ceil(input.length / 64))];
  for (const piece of pieces) {
    const scene = await reading(input, { maxRecordBytes: one.max_line_bytes ?? 900_000 });
    const bodies: string[] = [];
    let position = START;
    for (const size of growth(input.length, piece)) {
      scene.file.size = size;
      const { records, end } = await readThrough(scene, position);
      bodies.push(...records.map(({ body }) => body));
      position = end;
    }
    expect(resultOf(one, bodies, input.subarray(position.offset))).toEqual(expectedOf(one));
    await scene.scene.registry.close();
  }
});

/** What a case expects, in the terms it uses; what it is silent about is undefined. */
const expectedOf = (one: Case) => ({
  lines: (one.expected_lines ?? one.expected_lines_b64?.map((line) => Buffer.from(line, "base64").toString()))?.filter(
    (line) => line !== "",
  ),
  lengths: one.expected_line_lengths,
  count: one.expected_count,
  partial: one.expected_partial_b64,
  partialLength: one.expected_partial_len,
});

/** What came of it, in the same terms. */
const resultOf = (one: Case, bodies: readonly string[], partial: Buffer): ReturnType<typeof expectedOf> => ({
  lines: expectedOf(one).lines && [...bodies],
  lengths: one.expected_line_lengths && bodies.map((body) => Buffer.byteLength(body)),
  count: one.expected_count && bodies.length,
  partial: one.expected_partial_b64 && partial.toString("base64"),
  partialLength: one.expected_partial_len && partial.length,
});

test("a file of 100 MiB without a line feed is read in pieces of bounded size", async () => {
  const scene = await reading(Buffer.alloc(100 * 1_024 ** 2, "q"), {}, 0);
  let position = START;
  let largest = 0;
  for (;;) {
    const result = await scene.reader.read(scene.file, position, false);
    if (result.kind !== "segment") break;
    largest = Math.max(largest, result.segment.memoryBytes);
    position = result.segment.advance(position, result.segment.end);
    result.segment.release();
  }
  expect(largest).toBeLessThan(6 * 1_024 ** 2);
  expect(100 * 1_024 ** 2 - position.offset).toBeLessThanOrEqual(900_000);
});
