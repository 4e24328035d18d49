import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CheckpointChange } from "../../src/core/checkpoint.ts";
import { decodeLine, encodeEntry, encodeHeader } from "../../src/checkpoint/entry.ts";
import { counters, cursor, file, loss } from "./support.ts";

const seal = (json: string): string => `${crc32(json).toString(16).padStart(8, "0")} ${json}`;

const changes: readonly CheckpointChange[] = [
  { kind: "file", file: file(1, { path: "/var/log/\n\u2028é😀\uD800.log", format: "json" }) },
  { kind: "cursor", cursor: cursor(1, 2 ** 53 - 1, "a", { partial: { length: 3, crc: 7 } }) },
  { kind: "loss", loss: loss(1) },
  { kind: "totals", sink: "a", counters: counters(5) },
  { kind: "forget", file: 9 },
];

describe("a journal line", () => {
  test("comes back as it was written, 64-bit numbers too", () => {
    const line = encodeEntry(changes);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(decodeLine(line.slice(0, -1))).toEqual({ kind: "entry", changes });
  });

  test("the header is known", () => {
    expect(decodeLine(encodeHeader(3).slice(0, -1))).toEqual({ kind: "header", snapshotLines: 3 });
  });

  test("a header of another version counts as damaged, for what it means is unknown", () => {
    expect(decodeLine(seal('{"journal":"tailcar","version":2}'))).toEqual({ kind: "damaged" });
  });

  test.each(["", " ", "00000000", "00000000 ", "zzzzzzzz []", seal("[]").slice(1), `${seal("[]")} `])(
    "%j is damaged",
    (line) => {
      expect(decodeLine(line)).toEqual({ kind: "damaged" });
    },
  );

  test("any single damaged byte is noticed", () => {
    const line = Buffer.from(encodeEntry(changes).slice(0, -1));
    const damage = fc.tuple(fc.nat(line.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(damage, ([at, flip]) => {
        const damaged = Buffer.from(line);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        const decoded = decodeLine(damaged.toString());
        // A hex digit of the CRC may turn into its capital: the same number, and no damage.
        expect([{ kind: "damaged" }, { kind: "entry", changes }]).toContainEqual(decoded);
      }),
      { numRuns: 500 },
    );
  });

  test("a line cut anywhere is damaged", () => {
    const line = encodeEntry(changes).slice(0, -1);
    for (let end = 0; end < line.length; end += 1) expect(decodeLine(line.slice(0, end)).kind).toBe("damaged");
  });
});
