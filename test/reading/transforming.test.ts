import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { tailMarker } from "../../src/core/position.ts";
import type { LogRecord } from "../../src/core/record.ts";
import { transformer } from "../transforms/support.ts";
import { readThrough, reading, type ReadingScene } from "./scene.ts";

const throttle = '[{"throttle": {"limit": 3, "per": "1s", "key": "attributes.k"}}]';

/** Lines of differing lengths, several a window, some of them far out of order. */
function lines(bytes: number, padding: number): string {
  const parts: string[] = [];
  for (let length = 0, index = 0; length < bytes; index += 1) {
    const time = new Date(Date.UTC(2026, 10, 24) + (index % 50 === 0 ? 0 : index * 20)).toISOString();
    const pad = "x".repeat((index * 7_919) % padding);
    const part = `${JSON.stringify({ time, k: index % 3, index, pad })}\n`;
    parts.push(part);
    length += part.length;
  }
  return parts.join("");
}

const scene = (content: string, yaml: string): Promise<ReadingScene> =>
  reading(content, { format: "json" }, 0, new Map([["app", transformer(yaml)]]));

const told = (records: readonly LogRecord[]): readonly string[] =>
  records.map(({ offset, length, message }) => `${offset} ${length} ${length === 0 ? message : ""}`);

describe("a throttle", () => {
  test.each([
    ["within a cell", lines(300_000, 100), [100, 5_000, 100_000, 299_000]],
    ["across the border of a cell", lines(9_000_000, 20_000), [8_300_000, 8_388_608, 8_400_000, 8_900_000]],
  ])("decides after a restart as it would have without one, %s", async (_, content, places) => {
    const whole = await readThrough(await scene(content, throttle));
    const all = Buffer.from(content);
    expect(whole.records.filter(({ length }) => length === 0).length).toBeGreaterThan(5);
    for (const place of places) {
      const offset = all.indexOf("\n", place) + 1;
      const before = all.subarray(0, offset);
      const position = { offset, crc: crc32(before), tail: tailMarker(before) };
      const rest = await readThrough(await scene(content, throttle), position);
      expect(told(rest.records)).toEqual(told(whole.records.filter((record) => record.offset >= offset)));
      expect(rest.end).toEqual(whole.end);
    }
  });
});

test("a segment whose records are all filtered still leads on", async () => {
  const content = lines(600_000, 400);
  const one = await scene(content, '[{"drop": {"where": {"field": "attributes.k", "exists": true}}}]');
  const { records, end, borders } = await readThrough(one);
  expect([records, end.offset]).toEqual([[], content.length]);
  expect(borders.length).toBeGreaterThan(2);
});
