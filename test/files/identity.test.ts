import { appendFile, type FileHandle, open, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { START, tailMarker } from "../../src/core/position.ts";
import {
  beginningOf,
  fingerprintOf,
  HEAD_BYTES,
  headMatches,
  positionAt,
  provesContent,
  readHead,
  sameInode,
  tailAt,
} from "../../src/files/identity.ts";
import { scratchDirectory } from "../core/scratch.ts";

async function holding(content: Buffer | string): Promise<{ handle: FileHandle; path: string }> {
  const path = join(scratchDirectory(), "a.log");
  await writeFile(path, content);
  const handle = await open(path, "r");
  onTestFinished(() => handle.close());
  return { handle, path };
}

test("a fingerprint grows with a small file and still matches what it was taken of", async () => {
  const { handle, path } = await holding("one\n");
  const head = await readHead(handle);
  expect(head.length).toBe(4);
  await writeFile(path, "one\ntwo\n");
  expect(await headMatches(handle, head)).toBe(true);
  expect((await readHead(handle)).length).toBe(8);
  await writeFile(path, "One\ntwo\n");
  expect(await headMatches(handle, head)).toBe(false);
  await truncate(path, 2);
  expect(await headMatches(handle, head)).toBe(false);
});

test("a fingerprint covers nothing that a file got since it was measured: a copy need not have that", async () => {
  const { handle, path } = await holding("one\n");
  const stats = await stat(path, { bigint: true });
  await appendFile(path, "two\n");
  expect((await beginningOf(handle, stats, false)).head).toEqual(fingerprintOf(Buffer.from("one\n")));
});

test("a fingerprint covers so many bytes and no more", async () => {
  const bytes = Buffer.alloc(HEAD_BYTES + 10, "a");
  const { handle } = await holding(bytes);
  const head = await readHead(handle);
  expect(head).toEqual(fingerprintOf(bytes.subarray(0, HEAD_BYTES)));
});

test("an empty fingerprint matches everything", async () => {
  const { handle } = await holding("anything");
  expect(await headMatches(handle, fingerprintOf(Buffer.alloc(0)))).toBe(true);
});

test("a position proves all that stands before it", async () => {
  const content = Buffer.from("0123456789".repeat(300_000));
  const { handle, path } = await holding(content);
  for (const offset of [0, 1, 63, 64, 65, 1 << 20, (1 << 20) + 1, content.length]) {
    const position = await positionAt(handle, offset);
    expect(position).toEqual({
      offset,
      crc: crc32(content.subarray(0, offset)),
      tail: crc32(content.subarray(Math.max(0, offset - 64), offset)),
    });
    expect(position && (await provesContent(handle, position))).toBe(true);
    expect(await tailAt(handle, offset)).toBe(position?.tail);
  }
  expect(await positionAt(handle, content.length + 1)).toBeUndefined();
  const middle = await positionAt(handle, 2_000_000);
  content[5] = 0x78;
  await writeFile(path, content);
  expect(middle && (await provesContent(handle, middle))).toBe(false);
});

test("the beginning is the same in all files", async () => {
  const { handle } = await holding("x");
  expect(await positionAt(handle, 0)).toEqual(START);
});

test("a tail marker is of the last 64 bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 64, maxLength: 64 }), (before, tail) => {
      expect(tailMarker(Buffer.concat([before, tail]))).toBe(crc32(tail));
    }),
  );
});

test("the same inode with another time of birth is another file, unless the file system keeps none", async () => {
  const { path } = await holding("x");
  const stats = await stat(path, { bigint: true });
  const identity = {
    device: stats.dev,
    inode: stats.ino,
    birthtimeNs: stats.birthtimeNs,
    head: fingerprintOf(Buffer.alloc(0)),
  };
  expect(sameInode(identity, stats)).toBe(true);
  expect(sameInode({ ...identity, birthtimeNs: stats.birthtimeNs - 1n }, stats)).toBe(false);
  expect(sameInode({ ...identity, birthtimeNs: 0n }, stats)).toBe(true);
  expect(sameInode({ ...identity, inode: stats.ino + 1n }, stats)).toBe(false);
  expect(sameInode({ ...identity, device: stats.dev + 1n }, stats)).toBe(false);
});
