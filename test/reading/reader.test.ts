import { truncate, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { START, tailMarker } from "../../src/core/position.ts";
import { readThrough, reading } from "./scene.ts";

const KIB = 1_024;

/** Lines of differing lengths, about so many bytes of them. */
function lines(bytes: number, longest = 400): string {
  const parts: string[] = [];
  for (let length = 0, i = 0; length < bytes; i += 1) {
    const line = `${i} ${"x".repeat((i * 7_919) % longest)}\n`;
    parts.push(line);
    length += line.length;
  }
  return parts.join("");
}

describe("the grid", () => {
  test("sinks that begin at different lines meet at the same borders", async () => {
    const content = lines(2_000 * KIB);
    const scene = await reading(content);
    const whole = await readThrough(scene);
    expect(whole.records.map(({ body }) => `${body}\n`).join("")).toBe(content);
    expect(whole.borders.length).toBeGreaterThan(4);
    const starts = [1, 100, 4_000, 7_777].map((index) => whole.records[index]?.offset ?? 0);
    for (const offset of starts) {
      const bytes = Buffer.from(content).subarray(0, offset);
      const from = await readThrough(scene, { offset, crc: crc32(bytes), tail: tailMarker(bytes) });
      expect(whole.borders).toEqual(expect.arrayContaining(from.borders.slice(2)));
      expect(from.end).toEqual(whole.end);
    }
  });

  test("they meet in lines longer than the grid, which are cut into the same pieces", async () => {
    const content = `${lines(50 * KIB)}${"y".repeat(1_500 * KIB)}\n${lines(50 * KIB)}`;
    const scene = await reading(content, { maxRecordBytes: 100_000 });
    const whole = await readThrough(scene);
    const pieces = whole.records.filter(({ split }) => split !== undefined);
    expect(pieces.map(({ split }) => split)).toEqual(["first", ...pieces.slice(2).map(() => "middle"), "last"]);
    expect(pieces.reduce((sum, { body }) => sum + body.length, 0)).toBe(1_500 * KIB);
    for (const { offset } of [whole.records[50], pieces[0], pieces[5], pieces.at(-1)].filter((r) => r !== undefined)) {
      const bytes = Buffer.from(content).subarray(0, offset);
      const from = await readThrough(scene, { offset, crc: crc32(bytes), tail: tailMarker(bytes) });
      expect(from.records.map(({ offset: at, split }) => [at, split])).toEqual(
        whole.records.filter((record) => record.offset >= offset).map(({ offset: at, split }) => [at, split]),
      );
    }
  });

  test("a line longer than several grid cells is one record, if it is allowed to be", async () => {
    const content = `a\n${"y".repeat(880_000)}\nb\n`;
    const { records } = await readThrough(await reading(content));
    expect(records.map(({ body, split }) => [body.length, split])).toEqual([
      [1, undefined],
      [880_000, undefined],
      [1, undefined],
    ]);
  });
});

describe("a position", () => {
  test("after reading has the CRC of all bytes before it and the marker of the last 64", async () => {
    const content = Buffer.from(lines(700 * KIB));
    const { end } = await readThrough(await reading(content));
    expect(end).toEqual({ offset: content.length, crc: crc32(content), tail: crc32(content.subarray(-64)) });
  });

  test("whose last bytes are others than those that were read is found out", async () => {
    const scene = await reading("one\ntwo\n");
    const { end } = await readThrough(scene);
    await writeFile(scene.scene.path("app.log"), "one\nTWO\nthree\n");
    scene.file.size = 14;
    expect(await scene.reader.read(scene.file, end, false)).toEqual({ kind: "changed" });
  });

  test("that was written anew before it was read is found out", async () => {
    const scene = await reading("one\n");
    await writeFile(scene.scene.path("app.log"), "two\nthree\n");
    scene.file.size = 10;
    expect(await scene.reader.read(scene.file, START, false)).toEqual({ kind: "changed" });
  });

  test("that was written anew, and is shorter now, before it was read is found out", async () => {
    const scene = await reading("one\ntwo\n");
    await writeFile(scene.scene.path("app.log"), "three\n");
    expect(await scene.reader.read(scene.file, START, false)).toEqual({ kind: "changed" });
  });

  test("behind the end of a truncated file is found out", async () => {
    const scene = await reading("one\ntwo\n");
    const { end } = await readThrough(scene);
    await truncate(scene.scene.path("app.log"), 3);
    scene.file.size = 20;
    expect(await scene.reader.read(scene.file, end, false)).toEqual({ kind: "changed" });
  });
});

describe("the end of a file", () => {
  test("a line without its end is not read, until no byte can follow", async () => {
    const scene = await reading("one\ntw");
    const { records, end } = await readThrough(scene);
    expect([records.map(({ body }) => body), end.offset]).toEqual([["one"], 4]);
    expect(await scene.reader.read(scene.file, end, false)).toEqual({ kind: "atEnd" });
    const last = await readThrough(scene, end, true);
    expect(last.records.map(({ body, length }) => [body, length])).toEqual([["tw", 2]]);
  });

  test("is the highest size that was seen: what came after the last look waits for the next", async () => {
    const scene = await reading("one\n");
    await scene.scene.append("app.log", "two\n");
    const { end } = await readThrough(scene);
    expect(end.offset).toBe(4);
    await scene.scene.lookFully();
    expect((await readThrough(scene, end)).records.map(({ body }) => body)).toEqual(["two"]);
  });

  test("what was true of it is not remembered", async () => {
    const scene = await reading("one");
    expect(await scene.reader.read(scene.file, START, false)).toEqual({ kind: "atEnd" });
    await scene.scene.append("app.log", "\n");
    await scene.scene.lookFully();
    expect((await readThrough(scene)).records.map(({ body }) => body)).toEqual(["one"]);
  });
});

test("what can't be read is said once, and read when it can be", async () => {
  const scene = await reading("one\n");
  // The descriptor is closed behind the agent's back: each read of it fails.
  await scene.file.handle?.close();
  for (let i = 0; i < 3; i += 1)
    expect(await scene.reader.read(scene.file, START, false)).toEqual({ kind: "unreadable" });
  expect(scene.events).toMatchObject([{ kind: "file.unreadable", path: scene.file.path }]);
  scene.file.handle = undefined;
  expect((await readThrough(scene)).records).toHaveLength(1);
});

test("a file that is out of reach is unreadable", async () => {
  const scene = await reading("one\n");
  await scene.file.close();
  scene.file.state = "gone";
  expect((await scene.reader.read(scene.file, START, false)).kind).not.toBe("segment");
});

describe("a byte order mark", () => {
  test("is no part of the first line, and its bytes are accounted for", async () => {
    const scene = await reading(Buffer.from('\uFEFF{"msg":"a"}\nb\uFEFF\n'), { format: "json" });
    const { records, end } = await readThrough(scene);
    expect(records.map(({ body, offset }) => [body, offset])).toEqual([
      ['{"msg":"a"}', 3],
      ["b\uFEFF", 15],
    ]);
    expect(records[0]?.message).toBe("a");
    expect(end.offset).toBe(20);
  });

  test("alone in a file comes to an end", async () => {
    const scene = await reading(Buffer.from("\uFEFF"));
    expect((await scene.reader.read(scene.file, START, false)).kind).toBe("atEnd");
    const result = await scene.reader.read(scene.file, START, true);
    expect(result).toMatchObject({ kind: "segment", segment: { start: 0, end: 3, records: [] } });
  });
});

test("auto decides once a file, by what it reads first, and says so", async () => {
  const scene = await reading('Starting\n{"msg":"a"}\n', { format: "auto" });
  const { records } = await readThrough(scene);
  expect(records.map(({ message }) => message)).toEqual(["Starting", "a"]);
  expect(scene.file.format).toBe("json");
  expect(scene.events).toEqual([{ kind: "file.format", path: scene.file.path, format: "json" }]);
});

describe("what auto decides", () => {
  const access = '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 612\n';

  test("is used from the first line on, and a line that is another one is shipped as it stands", async () => {
    const scene = await reading(`${access}plain text\n{"msg":"a"}\n${access}`, { format: "auto" });
    const { records } = await readThrough(scene);
    expect(scene.file.format).toBe("nginx");
    expect(records.map(({ fields }) => fields.attributes?.["status"])).toEqual([200, undefined, undefined, 200]);
    expect(records.map(({ message }) => message)).toEqual([access.trim(), "plain text", "a", access.trim()]);
    expect(records[1]?.fields).toEqual({});
  });

  test("is in the checkpoint, and holds after a restart whatever the next lines are", async () => {
    const scene = await reading(access, { format: "auto" });
    await readThrough(scene);
    const [checkpoint] = [...scene.scene.store.files.values()];
    expect(checkpoint?.format).toBe("nginx");
  });

  test("is open as long as there are few lines of text, and then raw", async () => {
    const scene = await reading("text\n".repeat(19), { format: "auto" });
    const { end } = await readThrough(scene);
    expect(scene.file.format).toBeUndefined();
    await scene.scene.append("app.log", "text\n");
    await scene.scene.lookFully();
    await readThrough(scene, end);
    expect(scene.file.format).toBe("raw");
    expect(scene.events).toMatchObject([{ kind: "file.format", format: "raw" }]);
  });

  test("is nothing where the source names a format", async () => {
    const scene = await reading(access, { format: "logfmt" });
    const { records } = await readThrough(scene);
    expect(records[0]?.fields).toEqual({ unparsed: "logfmt" });
    expect([scene.file.format, scene.events]).toEqual([undefined, []]);
  });
});

test("times follow the source's zone and format, and the year the file was written in", async () => {
  const content = "2026-07-01 12:00:00 summer\n02.01.2026 12:00 winter\n";
  const regex = "^(?<time>\\S+ \\S+) (?<message>.*)$";
  const settings = { format: { regex }, timeZone: "Europe/Berlin", timeFormat: "%d.%m.%Y %H:%M" };
  const { records } = await readThrough(await reading(content, settings));
  const times = records.map(({ fields }) => new Date(fields.timestamp?.epochMs ?? Number.NaN).toISOString());
  expect(times).toEqual(["2026-07-01T10:00:00.000Z", "2026-01-02T11:00:00.000Z"]);

  const today = new Date();
  const stamp = `${today.toLocaleString("en-US", { month: "short", timeZone: "UTC" })} ${today.getUTCDate()} 00:00:00`;
  const syslog = await readThrough(await reading(`${stamp} host app: hi\n`, { format: "syslog" }));
  const year = new Date(syslog.records[0]?.fields.timestamp?.epochMs ?? Number.NaN).getUTCFullYear();
  expect(year).toBe(today.getUTCFullYear());
});

test("segments cover any file without gap or overlap, and every record has the bytes of its place", async () => {
  const text = fc
    .array(fc.oneof(fc.string({ unit: "binary", maxLength: 30 }), fc.constantFrom("\n", "\r\n", "\n\n")), {
      maxLength: 60,
    })
    .map((parts) => Buffer.from(parts.join("")));
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 4, max: 40 }), async (content, maxRecordBytes) => {
      const scene = await reading(content, { maxRecordBytes });
      const first = await readThrough(scene);
      const rest = first.end.offset < content.length ? await readThrough(scene, first.end, true) : undefined;
      for (const record of [...first.records, ...(rest?.records ?? [])]) {
        const bytes = content.subarray(record.offset, record.offset + record.length);
        expect(
          bytes
            .toString()
            .replace(/\r?\n$/, "")
            .startsWith(record.body) || record.body.endsWith("\r"),
        ).toBe(true);
      }
      expect((rest ?? first).end).toMatchObject({ offset: content.length, crc: crc32(content) });
      await scene.scene.registry.close();
    }),
    { numRuns: 60 },
  );
});
