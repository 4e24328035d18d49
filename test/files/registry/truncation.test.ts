import { truncate, unlink, utimes, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { copyTruncate, descriptorsIn, Scene } from "../scene.ts";

const LONG = `${"x".repeat(1_499)}\n`;
const OTHER = `${"y".repeat(1_499)}\n`;

describe("truncation", () => {
  test("ends the generation and begins another at the same path", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"), 4);
    await truncate(scene.path("app.log"), 0);
    await scene.append("app.log", "new\n");
    await scene.lookFully();
    expect(scene.added.map(({ id }) => id)).toEqual([1, 2]);
    expect(scene.added[0]?.state).toBe("gone");
    expect(await scene.unread(scene.file("app.log"))).toBe("new\n");
    expect(scene.events).toContainEqual({
      kind: "file.truncated",
      path: scene.path("app.log"),
      size: 4,
      seen: 8,
      lostBytes: 4,
    });
    expect(descriptorsIn(scene.directory)).toEqual(["app.log"]);
  });

  const cases: readonly (readonly [string, string, string, number])[] = [
    ["to the same size, short", "one\ntwo\n", "ONE\nTWO\n", 4],
    ["to a larger size, short", "one\ntwo\n", "ONE\nTWO\nTHREE\n", 4],
    ["to the same size, nothing delivered yet", "one\ntwo\n", "ONE\nTWO\n", 0],
    ["to a larger size, nothing delivered yet", "one\ntwo\n", "ONE\nTWO\nTHREE\n", 0],
    ["to the same size, long", LONG, OTHER, 1_500],
    ["to a larger size, long", LONG, OTHER.repeat(2), 1_500],
    ["to the same size, long, nothing delivered yet", LONG, OTHER, 0],
    ["to a larger size, long, nothing delivered yet", LONG, OTHER.repeat(2), 0],
  ];
  test.each(cases)("and growth between two looks is noticed: %s", async (_, before, after, delivered) => {
    const scene = await Scene.create();
    await scene.write("app.log", before);
    await scene.start();
    await scene.deliver(scene.file("app.log"), delivered);
    await scene.write("app.log", after);
    await scene.lookFully();
    expect(scene.kinds()).toContain("file.truncated");
    expect(scene.added[0]?.state).not.toBe("live");
    expect(await scene.unread(scene.file("app.log"))).toBe(after);
  });

  test("and growth by the same bytes changes nothing: what was delivered is not sent again", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await writeFile(scene.path("app.log"), "one\ntwo\nthree\n");
    await scene.lookFully();
    expect(scene.states()).toEqual(["app.log live"]);
    expect(await scene.unread(scene.file("app.log"))).toBe("three\n");
  });

  test("a touch is none", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", LONG);
    await scene.start();
    await utimes(scene.path("app.log"), new Date(), new Date(Date.now() + 5_000));
    await scene.lookFully();
    expect([scene.states(), scene.kinds()]).toEqual([["app.log live"], []]);
  });

  test("that a reader noticed is looked into at the next look", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", LONG);
    await scene.start();
    const file = scene.file("app.log");
    // The reader was further than any cursor that is durable.
    scene.registry.suspect(file.id, { offset: 1_500, crc: 1, tail: 1 });
    await scene.registry.look([]);
    expect(scene.kinds()).toContain("file.truncated");
    expect(file.state).toBe("gone");
    expect(scene.added).toHaveLength(2);
  });

  test("that a reader noticed in vain wakes the sinks again, for they have stopped reading", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", LONG);
    await scene.start();
    const file = scene.file("app.log");
    await scene.deliver(file, 500);
    scene.registry.suspect(file.id, scene.cursorOf(file));
    scene.changed.length = 0;
    await scene.registry.look([]);
    expect([file.state, scene.changed]).toEqual(["live", [file]]);
  });
});

describe("copytruncate", () => {
  test.each([
    ["only the live name is included", ["app.log"]],
    ["the copy is included too", ["app.log*"]],
  ])("the rest is read from the copy, which its content proves, and nothing twice (%s)", async (_, include) => {
    const scene = await Scene.create({ include });
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"), 4);
    await scene.append("app.log", "three\n");
    await copyTruncate(scene, "app.log", "app.log.1");
    await scene.append("app.log", "four\n");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect(scene.states()).toEqual(["app.log.1 rotated", "app.log live"]);
    expect(await scene.unread(scene.file("app.log.1"))).toBe("two\nthree\n");
    expect(await scene.unread(scene.file("app.log"))).toBe("four\n");
    expect(scene.file("app.log.1").id).toBeLessThan(scene.file("app.log").id);
  });

  test("the copy may have any name", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"), 4);
    await copyTruncate(scene, "app.log", "whatever");
    await scene.lookFully();
    expect(await scene.unread(scene.file("whatever"))).toBe("two\n");
  });

  test("a file that begins alike but has other bytes before the cursor is no copy", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", `${LONG}one\ntwo\n`);
    await scene.start();
    await scene.deliver(scene.file("app.log"), 1_504);
    await scene.write("decoy", `${LONG}ONE\ntwo\nmore\n`);
    await truncate(scene.path("app.log"), 0);
    await scene.lookFully();
    expect(scene.added[0]?.state).toBe("gone");
  });

  test("a copy that is seen before the truncation is not read a second time", async () => {
    const scene = await Scene.create({ include: ["app.log*"] });
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.write("app.log.1", "one\ntwo\n");
    await scene.lookFully();
    await truncate(scene.path("app.log"), 0);
    await scene.append("app.log", "three\n");
    await scene.lookFully();
    const unread = await Promise.all(
      scene
        .all()
        .filter(({ state }) => state !== "gone")
        .map((file) => scene.unread(file)),
    );
    expect(unread.join("")).toBe("three\n");
  });

  test.each([
    ["before", async () => {}],
    ["after", (scene: Scene) => truncate(scene.path("app.log"), 0)],
  ])(
    "a copy with more than was seen of the file, found %s the truncation, is not read a second time",
    async (_, act) => {
      const scene = await Scene.create({ include: ["app.log*"] });
      await scene.write("app.log", "one\n");
      await scene.start();
      await scene.append("app.log", "two\n");
      await scene.write("app.log.1", "one\ntwo\n");
      await act(scene);
      await scene.registry.look([scene.path("app.log.1")], false);
      await truncate(scene.path("app.log"), 0);
      await scene.lookFully();
      expect(scene.all().map(({ id, path, size }) => [id, path, size])).toEqual([
        [1, scene.path("app.log.1"), 8],
        [2, scene.path("app.log"), 0],
      ]);
    },
  );

  test("a copy that is seen while it is still empty is not read a second time", async () => {
    const scene = await Scene.create({ include: ["app.log*"] });
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.write("app.log.1", "");
    await scene.lookFully();
    await scene.append("app.log.1", "one\n");
    await truncate(scene.path("app.log"), 0);
    await scene.lookFully();
    expect(scene.all().map(({ id, path, size }) => [id, path, size])).toEqual([
      [1, scene.path("app.log.1"), 4],
      [2, scene.path("app.log"), 0],
    ]);
  });

  test("an empty file with a rotated name that is no copy in the end is read from its beginning", async () => {
    const scene = await Scene.create({ include: ["app.log*"] });
    await scene.write("app.log", "one\n");
    await scene.write("app.log.1", "");
    await scene.start();
    await scene.append("app.log.1", "two\n");
    await scene.lookFully();
    expect(await scene.unread(scene.file("app.log.1"))).toBe("two\n");
  });

  test("a copy of a file that was closed for want of descriptors is not read a second time", async () => {
    const scene = await Scene.create({ include: ["app.log*", "z.log"], maxOpenFiles: 1 });
    await scene.write("app.log", "one\n");
    await scene.write("z.log", "other\n");
    await scene.start();
    await scene.registry.reopen(scene.file("z.log"));
    await scene.append("app.log", "two\n");
    await scene.write("app.log.1", "one\ntwo\n");
    await scene.registry.look([scene.path("app.log.1")], false);
    await truncate(scene.path("app.log"), 0);
    await scene.lookFully();
    expect(scene.all().map(({ id, path }) => [id, path])).toEqual([
      [1, scene.path("app.log.1")],
      [2, scene.path("z.log")],
      [3, scene.path("app.log")],
    ]);
  });

  test("and a rename of the emptied file, told by a hint: the copy is not read a second time", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.write("app.log.2", "one\n");
    await truncate(scene.path("app.log"));
    await scene.rename("app.log", "app.log.1");
    await scene.registry.look([scene.path("app.log")], false);
    expect(scene.all().map(({ id, path, size }) => [id, path, size])).toEqual([
      [1, scene.path("app.log.2"), 4],
      [2, scene.path("app.log.1"), 0],
    ]);
  });

  test("and renames of the file that has as much again, after that before it: its copy stays the older one", async () => {
    const scene = await Scene.create({ include: ["app.log*"] });
    await scene.write("app.log", "zero\n");
    await scene.start();
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "one\n");
    await scene.lookFully();
    await unlink(scene.path("app.log.1"));
    await scene.write("app.log.2", "one\n");
    await truncate(scene.path("app.log"));
    await scene.append("app.log", "two\nthree\n");
    await scene.rename("app.log", "app.log.1");
    await scene.registry.look(["app.log", "app.log.1", "app.log.2"].map((name) => scene.path(name)));
    const oldestFirst = scene.all().toSorted((a, b) => Number(a.born - b.born));
    expect(oldestFirst.map(({ id, path }) => [id, path])).toEqual([
      [1, scene.path("app.log.1")],
      [2, scene.path("app.log.2")],
      [3, scene.path("app.log.1")],
    ]);
  });

  test("twice within two looks: the later content is read from its copy as an unseen generation", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await copyTruncate(scene, "app.log", "app.log.2");
    await scene.append("app.log", "two\n");
    await copyTruncate(scene, "app.log", "app.log.1");
    await scene.append("app.log", "three\n");
    await scene.lookFully();
    const texts = await Promise.all(
      scene
        .all()
        .filter(({ state }) => state !== "gone")
        .map((file) => scene.unread(file)),
    );
    expect(texts.join("")).toBe("one\ntwo\nthree\n");
  });
});
