import { mkdir, readFile, unlink, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { compress, copyTruncate, descriptorsIn, GRACE_MS, Scene } from "../scene.ts";

const LINES = Array.from({ length: 200 }, (_, n) => `line number ${n}\n`).join("");

const includes: readonly (readonly [string, readonly string[]])[] = [
  ["only the live name is included", ["app.log"]],
  ["archives are included too", ["app.log*"]],
];

describe.each(includes)("compressed generations (%s)", (_, include) => {
  test.each(["app.log.1.gz", "app.log.1.zst"])("the rest of one is read from %s after a restart", async (archive) => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", LINES);
    await scene.start();
    await scene.deliver(scene.file("app.log"), 170);
    await scene.restart(async () => {
      await scene.append("app.log", "the last\n");
      await scene.rename("app.log", "app.log.1");
      await compress(scene, "app.log.1", archive);
      await scene.write("app.log", "new\n");
    });
    expect(await Promise.all(scene.added.map((file) => scene.unread(file)))).toEqual([
      `${LINES.slice(170)}the last\n`,
      "new\n",
    ]);
    expect(scene.states()).toEqual([`${archive} final`, "app.log live"]);
  });

  test("that were born, rotated and compressed while the agent was away are read oldest first", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", "0\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.restart(async () => {
      await scene.rename("app.log", "app.log.3");
      await compress(scene, "app.log.3");
      for (const name of ["app.log.2", "app.log.1", "app.log"]) await scene.write(name, `${name}\n`);
      await compress(scene, "app.log.2");
      await compress(scene, "app.log.1");
    });
    const unread = scene.all().map(async (file) => [file.born, await scene.unread(file)] as const);
    const oldestFirst = (await Promise.all(unread)).sort(([a], [b]) => Number(a - b));
    expect(oldestFirst.map(([, text]) => text)).toEqual(["", "app.log.2\n", "app.log.1\n", "app.log\n"]);
  });

  test("that got more after they were let go are read to their end, though only the archive was looked at", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", "one\n");
    await scene.start();
    const file = scene.file("app.log");
    await scene.deliver(file);
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "new\n");
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    expect(file.state).toBe("released");
    await scene.append("app.log.1", "late\n");
    await compress(scene, "app.log.1");
    await scene.registry.look([scene.path("app.log.1.gz")], false);
    await scene.lookFully();
    expect(await scene.unread(file)).toBe("late\n");
  });

  test("that were empty when they were looked at last are read once", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", "");
    await scene.start();
    const file = scene.file("app.log");
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "new\n");
    await scene.lookFully();
    await scene.append("app.log.1", "late\n");
    await compress(scene, "app.log.1");
    await scene.registry.look([scene.path("app.log.1.gz")], false);
    await scene.lookFully();
    expect(await Promise.all(scene.all().map((each) => scene.unread(each)))).toEqual(["late\n", "new\n"]);
    expect(scene.all()[0]).toBe(file);
  });

  test("that have no live file are known in their archives, whatever a hint names", async () => {
    const scene = await Scene.create({ include: ["app.log*"], maxOpenFiles: 0 });
    await scene.write("app.log-20261128", "one\n");
    await scene.start();
    const file = scene.file("app.log-20261128");
    await compress(scene, "app.log-20261128");
    await scene.registry.look([scene.path("app.log"), scene.path("app.log-20261128.gz")], false);
    expect([scene.all(), file.path]).toEqual([[file], scene.path("app.log-20261128.gz")]);
  });

  test.each(["app.log-1.gz", "app.log-2.gz"])(
    "that were found while they had no live file are known in %s, though only that was looked at",
    async (archive) => {
      const scene = await Scene.create({ include: ["app.log*"] });
      await scene.write("app.log-1", "one\n");
      await scene.start();
      const file = scene.file("app.log-1");
      await compress(scene, "app.log-1", archive);
      await scene.write("app.log", "new\n");
      await scene.registry.look([scene.path(archive), scene.path("app.log")], false);
      await scene.lookFully();
      expect(scene.all()).toEqual([file, scene.file("app.log")]);
    },
  );

  test("that were read are not read again, however they are called next", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", LINES);
    await scene.start();
    const first = scene.file("app.log");
    await scene.deliver(first);
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "new\n");
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    expect(first.state).toBe("released");
    await compress(scene, "app.log.1", "app.log.2.gz");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    await scene.rename("app.log.2.gz", "app.log.3.gz");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect(scene.states()).toEqual(["app.log.3.gz released", "app.log live"]);
    await scene.restart();
    expect(scene.added.map(({ id }) => id)).toEqual([1, 2]);
    expect(await Promise.all(scene.added.map((file) => scene.unread(file)))).toEqual(["", "new\n"]);
  });

  test("whose original is held open are read through it, and the archive is what frees the disk", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", LINES);
    await scene.start();
    const file = scene.file("app.log");
    await scene.deliver(file, 17);
    await scene.rename("app.log", "app.log.1");
    await compress(scene, "app.log.1");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect([scene.all().length, file.deleted, scene.registry.heldBytes]).toEqual([1, true, LINES.length]);
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    expect([scene.states(), scene.registry.heldBytes]).toEqual([["app.log.1.gz final"], 0]);
    expect(await scene.unread(file)).toBe(LINES.slice(17));
    expect(descriptorsIn(scene.directory)).toEqual(["app.log.1.gz"]);
  });

  test("that were read through the deleted original are not read again", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", LINES);
    await scene.start();
    const file = scene.file("app.log");
    await scene.rename("app.log", "app.log.1");
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    await compress(scene, "app.log.1");
    await scene.lookFully();
    expect([file.state, file.deleted]).toEqual(["final", true]);
    await scene.deliver(file);
    for (let look = 0; look < 3; look += 1) await scene.lookFully();
    expect([scene.states(), descriptorsIn(scene.directory)]).toEqual([["app.log.1.gz released"], []]);
  });

  test.each([[""], ["\x1f"]])("an archive that has got no further than %j is none yet", async (start) => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", LINES);
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log.1.gz", start);
    await scene.lookFully();
    await writeFile(scene.path("app.log.1.gz"), gzipSync(LINES));
    await unlink(scene.path("app.log.1"));
    await scene.write("app.log", "new\n");
    await scene.lookFully();
    const unread = await Promise.all(scene.all().map((file) => scene.unread(file)));
    expect(unread.join("")).toBe("new\n");
  });

  test("an archive beside its original is left alone until that is gone", async () => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", LINES);
    await scene.start();
    await scene.rename("app.log", "app.log.1");
    await writeFile(scene.path("app.log.1.gz"), gzipSync(LINES).subarray(0, 40));
    await scene.lookFully();
    expect(scene.all()).toHaveLength(1);
    expect(scene.kinds()).not.toContain("file.damaged");
  });
});

test("a damaged archive is read as far as it goes, and the rest of what was seen is missing", async () => {
  const scene = await Scene.create();
  const content = Array.from({ length: 30_000 }, (_, n) => `line ${n} ${Math.sin(n)}\n`).join("");
  await scene.write("app.log", content);
  await scene.start();
  await scene.deliver(scene.file("app.log"), 100_000);
  await scene.restart(async () => {
    await scene.rename("app.log", "app.log.1");
    await compress(scene, "app.log.1");
    const archive = await readFile(scene.path("app.log.1.gz"));
    await writeFile(scene.path("app.log.1.gz"), archive.subarray(0, archive.length >> 1));
  });
  const file = scene.file("app.log.1.gz");
  expect([file.size, file.missingFrom]).toEqual([content.length, expect.any(Number)]);
  expect(file.missingFrom).toBeGreaterThan(content.length * 0.4);
  expect(file.canGrow).toBe(false);
  expect(await scene.unread(file)).toBe(content.slice(100_000, file.missingFrom));
});

test("an archive that is included and belongs to nothing known is read as a file of its own", async () => {
  const scene = await Scene.create({ include: ["*.gz"] });
  await scene.write("old.log.gz", gzipSync(LINES));
  await scene.start();
  expect(scene.states()).toEqual(["old.log.gz final"]);
  expect(await scene.unread(scene.file("old.log.gz"))).toBe(LINES);
  await scene.restart();
  expect(await scene.unread(scene.file("old.log.gz"))).toBe(LINES);
});

describe("generations in other directories", () => {
  const moved = { rotated: { grace: GRACE_MS, dirs: ["old"], maxHeldBytes: 1 << 29, policy: "release" } } as const;

  test("a file that was moved there while the agent was away is found, and what came between is read", async () => {
    const scene = await Scene.create({ source: moved });
    await mkdir(scene.path("old"));
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"), 4);
    await scene.restart(async () => {
      await scene.rename("app.log", "old/app.log.3");
      await scene.write("old/app.log.2", "between\n");
      await scene.write("old/app.log.1", "between too\n");
      await compress(scene, "old/app.log.2");
      await scene.write("app.log", "new\n");
    });
    const oldestFirst = scene.all().toSorted((a, b) => Number(a.born - b.born));
    expect(await Promise.all(oldestFirst.map((file) => scene.unread(file)))).toEqual([
      "two\n",
      "between\n",
      "between too\n",
      "new\n",
    ]);
    expect(new Set(oldestFirst.map(({ stream }) => stream))).toEqual(new Set([scene.path("app.log")]));
  });

  test("the copy of a truncated file is found there", async () => {
    const scene = await Scene.create({ source: moved });
    await mkdir(scene.path("old"));
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"), 4);
    await copyTruncate(scene, "app.log", "old/whatever");
    await scene.lookFully();
    expect(await scene.unread(scene.file("old/whatever"))).toBe("two\n");
    expect(scene.events).toContainEqual(expect.objectContaining({ kind: "file.truncated", lostBytes: 0 }));
  });
});

test("two files that hold the same bytes are told, and one of them is read", async () => {
  const scene = await Scene.create();
  await scene.write("app.log", "one\ntwo\n");
  await scene.start();
  await scene.deliver(scene.file("app.log"), 4);
  await scene.write("app.log.1", "one\ntwo\n");
  await copyTruncate(scene, "app.log", "app.log.2");
  await scene.lookFully();
  expect(scene.kinds().filter((kind) => kind === "file.ambiguous")).toHaveLength(1);
  const unread = await Promise.all(scene.all().map((file) => scene.unread(file)));
  expect(unread.filter((text) => text === "two\n")).toHaveLength(1);
});
