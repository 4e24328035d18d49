import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { START } from "../../src/core/position.ts";
import type { LogRecord } from "../../src/core/record.ts";
import type { SourceSettings } from "../../src/files/log-file.ts";
import { FileProgress, type Slice } from "../../src/pipeline/progress.ts";
import { transformer } from "../transforms/support.ts";
import { reading, type ReadingScene } from "./scene.ts";

/** All there is to read of a file, in slices of at most so many records. */
async function slices({ reader, file }: ReadingScene, maxRecords: number): Promise<readonly Slice[]> {
  const progress = FileProgress.beginning(file, START);
  const taken: Slice[] = [];
  for (;;) {
    const result = await reader.read(file, progress.position, false, true);
    if (result.kind !== "segment") return taken;
    progress.enter(result.segment);
    for (let slice = progress.take(maxRecords, 1e9); slice !== undefined; slice = progress.take(maxRecords, 1e9))
      taken.push(slice);
  }
}

const shown = (records: readonly LogRecord[], lastSplit?: LogRecord["split"]): readonly unknown[] =>
  records.map(({ offset, length, body, split }, index) => [
    offset,
    length,
    body,
    index === records.length - 1 ? lastSplit : split,
  ]);

/** The records of slices, read again. Each slice's last one is compared as the piece that it was known to be. */
async function readAgain({ reader, file }: ReadingScene, taken: readonly Slice[]): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  for (const { from, to, lastSplit } of taken) {
    const again = await reader.readAgain(file, from, to);
    if (again.kind !== "segment") throw new Error(again.kind);
    all.push(...shown(again.segment.records, lastSplit));
  }
  return all;
}

const time = (second: number): string => new Date(Date.UTC(2026, 10, 24, 0, 0, second)).toISOString();

/** Lines, traces, blank lines, long lines, and what belongs to what stands before. */
const line = fc.oneof(
  fc.nat(20).map((second) => JSON.stringify({ time: time(second), k: second % 2 })),
  fc.constantFrom("java.lang.Error: x", "\tat a.B.c(D.java:1)", "Caused by: y", "", "plain", "é".repeat(40)),
);

const ways: readonly [string, Partial<SourceSettings>, string | undefined][] = [
  ["lines", { maxRecordBytes: 50 }, undefined],
  ["traces", { multiline: "auto", maxRecordBytes: 60, flushAfter: 0 }, undefined],
  ["a throttle", { format: "json" }, '[{"throttle": {"limit": 1, "per": "2s", "key": "attributes.k"}}]'],
  ["a sample", { format: "json" }, '[{"sample": {"rate": 0.5}}]'],
];

test.each(ways)(
  "what was read is read again as it was, whatever follows it by now: %s",
  async (_, source, transforms) => {
    const transformers = transforms === undefined ? new Map() : new Map([["app", transformer(transforms)]]);
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 30 }),
        fc.array(line),
        fc.integer({ min: 2, max: 9 }),
        async (before, after, maxRecords) => {
          const scene = await reading(before.map((text) => `${text}\n`).join(""), source, 0, transformers);
          const taken = await slices(scene, maxRecords);
          await scene.scene.append("app.log", `${after.join("\n")}\n`);
          await scene.scene.lookFully();
          expect(await readAgain(scene, taken)).toEqual(
            taken.flatMap(({ records }) => shown(records, records.at(-1)?.split)),
          );
        },
      ),
      { numRuns: 15 },
    );
  },
);

test("other bytes at the same place are told from those that were read", async () => {
  const scene = await reading("one\ntwo\n");
  const { reader, file } = scene;
  const to = { offset: 4, crc: crc32("one\n"), tail: 0 };
  expect((await reader.readAgain(file, START, to)).kind).toBe("segment");
  expect(await reader.readAgain(file, START, { ...to, crc: crc32("six\n") })).toEqual({ kind: "changed" });
  expect(await reader.readAgain(file, START, { ...to, offset: 100 })).toEqual({ kind: "changed" });
});
