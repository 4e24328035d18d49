import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { Archive, compressionOf } from "../../src/files/archive.ts";
import { readInto } from "../../src/files/identity.ts";
import { scratchDirectory } from "../core/scratch.ts";

/** Text that compresses a little, so that archives have many blocks. */
const TEXT = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `line ${i} ${Math.sin(i)}\n`).join(""));

async function archiveOf(bytes: Buffer): Promise<Archive> {
  const path = join(scratchDirectory(), "archive");
  await writeFile(path, bytes);
  const handle = await open(path);
  const compression = await compressionOf(handle);
  if (compression === undefined) throw new Error("not taken for an archive");
  const archive = new Archive(handle, compression);
  onTestFinished(async () => {
    archive.close();
    await handle.close();
  });
  return archive;
}

const whole: readonly (readonly [string, Buffer])[] = [
  ["gzip", gzipSync(TEXT)],
  ["gzip of several members", Buffer.concat([gzipSync(TEXT.subarray(0, 70_001)), gzipSync(TEXT.subarray(70_001))])],
  ["zstd", zstdCompressSync(TEXT)],
  [
    "zstd of several frames",
    Buffer.concat([zstdCompressSync(TEXT.subarray(0, 9)), zstdCompressSync(TEXT.subarray(9))]),
  ],
];

describe.each(whole)("%s", (_, bytes) => {
  test("is read at any place, forwards and backwards, by several readers at once", async () => {
    const archive = await archiveOf(bytes);
    const places = [0, 262_144 - 64, 500_000, 100, TEXT.length - 10, 262_144, 1_000_000, 5, 700_000, TEXT.length + 5];
    const read = places.map((place) => readInto(archive, place, Buffer.alloc(300_000)));
    const found = await Promise.all(read);
    expect(found.map((part, i) => part.equals(TEXT.subarray(places[i], (places[i] ?? 0) + 300_000)))).toEqual(
      places.map(() => true),
    );
  });

  test("is measured, and proves what stands before a place", async () => {
    const archive = await archiveOf(bytes);
    const at = 123_456;
    const expected = { size: TEXT.length, crc: crc32(TEXT.subarray(0, at)), damage: undefined };
    expect(await archive.scan(at)).toEqual({ ...expected, expectedSize: TEXT.length });
    expect((await archive.scan(TEXT.length + 1)).crc).toBeUndefined();
  });
});

const damaged: readonly (readonly [string, Buffer, number])[] = [
  ["a truncated gzip file", gzipSync(TEXT).subarray(0, -5_000), 0.98],
  ["a truncated zstd file", zstdCompressSync(TEXT).subarray(0, -5_000), 0.9],
  ["a gzip file with a changed byte in its middle", flipped(gzipSync(TEXT)), 0.45],
];

test.each(damaged)("%s is read as far as it goes, and to the same place each time", async (_, bytes, atLeast) => {
  const archive = await archiveOf(bytes);
  const { size, damage } = await archive.scan();
  expect(damage).toBeTypeOf("string");
  expect(size).toBeGreaterThan(TEXT.length * atLeast);
  const read = await readInto(archive, 0, Buffer.alloc(TEXT.length));
  expect(read.length).toBe(size);
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = bytes.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 0xff;
  return copy;
}

test("a gzip file's trailer proves a cursor at its end without reading it", async () => {
  const archive = await archiveOf(gzipSync(TEXT));
  const end = { offset: TEXT.length, crc: crc32(TEXT), tail: 0 };
  expect(await archive.isExactly(end)).toBe(true);
  expect(await archive.isExactly({ ...end, crc: end.crc + 1 })).toBe(false);
  expect(await archive.isExactly({ ...end, offset: end.offset - 1 })).toBe(false);
});

test("a frame that wants more than 8 MiB of memory is refused, and one of a high level is not", async () => {
  const sizes = [24, 23].map(async (windowLog) => {
    const params = { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_compressionLevel]: 1 };
    const archive = await archiveOf(zstdCompressSync(Buffer.alloc(2 ** 25), { params }));
    return (await archive.scan()).size;
  });
  expect(await Promise.all(sizes)).toEqual([0, 2 ** 25]);
});
