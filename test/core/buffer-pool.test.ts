import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BufferPool } from "../../src/core/buffer-pool.ts";

const MIB = 1_024 ** 2;

test("a buffer that was given back is used again", () => {
  const pool = new BufferPool(MIB);
  const first = pool.take(100_000);
  pool.give(first);
  expect(pool.take(90_000).buffer).toBe(first.buffer);
});

test("a buffer is never in use twice", () => {
  const pool = new BufferPool(4 * MIB);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(200_000)), { maxLength: 40 }), (steps) => {
      const held: { buffer: Buffer; mark: number }[] = [];
      let mark = 0;
      for (const [take, length] of steps) {
        if (take || held.length === 0) {
          mark = (mark + 1) % 251;
          held.push({ buffer: pool.take(length).fill(mark), mark });
        } else {
          const [returned] = held.splice(length % held.length, 1);
          if (returned !== undefined) pool.give(returned.buffer);
        }
        for (const { buffer, mark: own } of held) expect(buffer.every((byte) => byte === own)).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});

test("small buffers, which share memory with each other, are never handed out as large ones", () => {
  const pool = new BufferPool(MIB);
  const small = Array.from({ length: 50 }, () => pool.take(8_000));
  const shared = new Set(small.map(({ buffer }) => buffer));
  for (const buffer of small) pool.give(buffer);
  for (const length of [8_192, 16_384, 65_536]) expect(shared.has(pool.take(length).buffer)).toBe(false);
});

test("it keeps no more free bytes than it may", () => {
  const pool = new BufferPool(100_000);
  const buffers = Array.from({ length: 5 }, () => pool.take(65_536));
  for (const buffer of buffers) pool.give(buffer);
  const again = Array.from({ length: 5 }, () => pool.take(65_536));
  const known = new Set(buffers.map(({ buffer }) => buffer));
  expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(1);
});

test("what has lain there for the longest makes room for what is given back", () => {
  const pool = new BufferPool(131_072);
  const [old, ...young] = [65_536, 65_536, 65_536].map((length) => pool.take(length));
  for (const buffer of [old, ...young]) if (buffer !== undefined) pool.give(buffer);
  const again = [pool.take(65_536), pool.take(65_536)];
  expect(again.map(({ buffer }) => buffer)).toEqual(young.map(({ buffer }) => buffer));
});

test.each([8_192, 8_193, 20_000, 32_768, 32_769, 65_537, 1_000_000])(
  "a buffer of %i bytes wastes less than that",
  (length) => {
    expect(new BufferPool(0).take(length).buffer.byteLength).toBeLessThan(2 * length);
  },
);
