import { appendFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AgentEvent } from "../../../src/core/events.ts";
import { descriptorsIn, GRACE_MS, Scene } from "../scene.ts";

describe("a rename rotation", () => {
  test("goes on with the old generation under its new name and begins the new one", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.rename("app.log", "app.log.1");
    await scene.append("app.log.1", "late\n");
    await scene.write("app.log", "two\n");
    await scene.lookFully();
    expect(scene.states()).toEqual(["app.log.1 rotated", "app.log live"]);
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["one\nlate\n", "two\n"]);
    expect(scene.events).toContainEqual({
      kind: "file.rotated",
      path: scene.path("app.log"),
      now: scene.path("app.log.1"),
    });
    expect(new Set(scene.all().map(({ stream }) => stream))).toEqual(new Set([scene.path("app.log")]));
  });

  test("is the same when a hint brings it about", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "two\n");
    await scene.registry.look([scene.path("app.log")]);
    expect(scene.states()).toEqual(["app.log.1 rotated", "app.log live"]);
  });

  test("that a hint tells of after a long quiet reads what the old file got last, before the new one", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.clock.advance(GRACE_MS);
    await scene.append("app.log", "last\n");
    await scene.rename("app.log", "app.log.1");
    await scene.registry.look([scene.path("app.log")], false);
    expect(scene.states()).toEqual(["app.log.1 rotated"]);
    expect(await scene.unread(scene.file("app.log.1"))).toBe("last\n");
  });

  test("whose new file comes later does not lose sight of the live path", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.rename("app.log", "app.log.1");
    await scene.lookFully();
    expect(scene.states()).toEqual(["app.log.1 rotated"]);
    await scene.write("app.log", "two\n");
    await scene.registry.look([]);
    expect(scene.states()).toEqual(["app.log.1 rotated", "app.log live"]);
  });

  test.each([
    ["the live name only", ["app.log"]],
    ["all names", ["app.log*"]],
  ])(
    "several generations that came and went between two looks are read oldest first (include: %s)",
    async (_, include) => {
      const scene = await Scene.create({ include });
      await scene.write("app.log", "one\n");
      await scene.start();
      for (const text of ["two\n", "three\n", "four\n"]) {
        await scene.rename("app.log.2", "app.log.3").catch(() => undefined);
        await scene.rename("app.log.1", "app.log.2").catch(() => undefined);
        await scene.rename("app.log", "app.log.1");
        await scene.write("app.log", text);
      }
      await scene.lookFully();
      const texts = await Promise.all(scene.added.map((file) => scene.unread(file)));
      expect(texts).toEqual(["one\n", "two\n", "three\n", "four\n"]);
      expect(scene.added.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
      expect(new Set(scene.added.map(({ stream }) => stream))).toEqual(new Set([scene.path("app.log")]));
      expect(scene.added.map(({ state }) => state)).toEqual(["rotated", "rotated", "rotated", "live"]);
    },
  );

  test("several generations that came and went are read oldest first when a hint tells of the live path alone", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    for (const text of ["two\n", "three\n"]) {
      await scene.rename("app.log.1", "app.log.2").catch(() => undefined);
      await scene.rename("app.log", "app.log.1");
      await scene.write("app.log", text);
    }
    await scene.registry.look([scene.path("app.log")]);
    await scene.lookFully();
    const byAge = [...scene.all()].sort((a, b) => a.id - b.id);
    expect(await Promise.all(byAge.map((file) => scene.unread(file)))).toEqual(["one\n", "two\n", "three\n"]);
  });

  test("that shifts five numbered generations keeps each of them apart", async () => {
    const scene = await Scene.create({ include: ["app.log*"] });
    for (const name of ["app.log.5", "app.log.4", "app.log.3", "app.log.2", "app.log.1", "app.log"])
      await scene.write(name, `${name}\n`);
    await scene.start();
    const before = new Map(scene.all().map(({ id, identity }) => [id, identity.inode]));
    expect(scene.added.map(({ path }) => path.slice(scene.directory.length + 1))).toEqual([
      "app.log.5",
      "app.log.4",
      "app.log.3",
      "app.log.2",
      "app.log.1",
      "app.log",
    ]);
    for (const n of [4, 3, 2, 1]) await scene.rename(`app.log.${n}`, `app.log.${n + 1}`);
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "new\n");
    for (let look = 0; look < 3; look += 1) await scene.lookFully();
    const names = new Map(scene.all().map(({ id, path }) => [id, path.slice(scene.directory.length + 1)]));
    expect([...names.values()].filter((name) => name === "app.log.5")).not.toHaveLength(0);
    expect([names.get(2), names.get(3), names.get(4), names.get(5), names.get(6), names.get(7)]).toEqual([
      "app.log.5",
      "app.log.4",
      "app.log.3",
      "app.log.2",
      "app.log.1",
      "app.log",
    ]);
    for (const [id, inode] of before) expect(scene.registry.files.get(id)?.identity.inode).toBe(inode);
    expect(scene.registry.files.size).toBe(7);
    // The oldest was overwritten by the shift: held by its handle.
    expect(scene.registry.files.get(1)?.deleted).toBe(true);
    expect(scene.kinds()).not.toContain("file.truncated");
  });

  test("out of the directory and its root is followed through the open handle", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.rename("app.log", "../archived.log");
    await scene.append("../archived.log", "late\n");
    await scene.lookFully();
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["one\nlate\n"]);
  });

  test("whose unseen generation begins with all that an older one holds is read whole: equal heads are two files", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "start\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.rename("app.log", "app.log.2");
    await scene.write("app.log", "start\nimportant\n");
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "start\n");
    await scene.lookFully();
    expect(scene.states()).toEqual(["app.log.2 rotated", "app.log.1 rotated", "app.log live"]);
    expect(await scene.unread(scene.file("app.log.1"))).toContain("important\n");
  });
});

describe("the life of a rotated file", () => {
  test("rotated, then final after the grace, then released when all is delivered: its handle is closed", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\npartial");
    await scene.start();
    const file = scene.file("app.log");
    await scene.rename("app.log", "app.log.1");
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS - 1_000);
    await scene.lookFully();
    expect(file.state).toBe("rotated");
    await scene.clock.advance(2_000);
    await scene.lookFully();
    expect([file.state, file.canGrow]).toEqual(["final", false]);
    expect(scene.changed.at(-1)).toBe(file);
    await scene.lookFully();
    expect([file.state, descriptorsIn(scene.directory)]).toEqual(["final", ["app.log.1"]]);
    await scene.deliver(file);
    await scene.lookFully();
    expect([file.state, descriptorsIn(scene.directory)]).toEqual(["released", []]);
    expect(scene.kinds().filter((kind) => kind === "file.released")).toHaveLength(1);
  });

  test("growth in the last moment of the grace is not missed", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.rename("app.log", "app.log.1");
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS);
    await scene.append("app.log.1", "late\n");
    await scene.registry.look([], false);
    expect(scene.states()).toEqual(["app.log.1 rotated"]);
    expect(await scene.unread(scene.file("app.log.1"))).toBe("late\n");
  });

  test("growth within the grace begins it anew", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.rename("app.log", "app.log.1");
    await scene.lookFully();
    for (let minute = 0; minute < 3; minute += 1) {
      await scene.clock.advance(GRACE_MS - 5_000);
      await scene.append("app.log.1", "more\n");
      await scene.lookFully();
    }
    const file = scene.file("app.log.1");
    expect([file.state, file.size]).toEqual(["rotated", 19]);
  });

  test("a released file that grows all the same is read on", async () => {
    const scene = await Scene.create({ include: ["app.log*"] });
    await scene.write("app.log", "one\n");
    await scene.start();
    const file = scene.file("app.log");
    await scene.deliver(file);
    await scene.rename("app.log", "app.log.1");
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    await scene.lookFully();
    expect(file.state).toBe("released");
    await scene.append("app.log.1", "very late\n");
    await scene.lookFully();
    expect([file.state, await scene.unread(file)]).toEqual(["rotated", "very late\n"]);
  });

  test("a file that is renamed away and back is live again", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.rename("app.log", "aside");
    await scene.lookFully();
    await scene.rename("aside", "app.log");
    await scene.lookFully();
    expect(scene.states()).toEqual(["app.log live"]);
  });
});

/** What the sink would read of all files, oldest first. */
const texts = async (scene: Scene): Promise<readonly string[]> => {
  const byAge = scene.all().toSorted((a, b) => Number(a.born - b.born));
  return Promise.all(byAge.map((file) => scene.unread(file)));
};

describe("a generation that was rotated before the first look", () => {
  test("is read if it came to be since the agent runs", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "two\n");
    await scene.passTime(50);
    await scene.start();
    expect(await texts(scene)).toEqual(["one\n", "two\n"]);
  });

  test("is read if it came to be since an agent first followed the source", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    await scene.write("other.log", "other\n");
    await scene.start();
    await scene.restart(async () => {
      await scene.write("app.log", "one\n");
      await scene.rename("app.log", "app.log.1");
      await scene.write("app.log", "two\n");
      await scene.passTime(50);
    });
    expect(await texts(scene)).toEqual(["other\n", "one\n", "two\n"]);
  });

  test("is left alone if it was there before: include does not name it", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "two\n");
    await scene.passTime(50);
    await scene.restart();
    expect(await texts(scene)).toEqual(["two\n"]);
  });
});

async function rotatedEmpty(): Promise<Scene> {
  const scene = await Scene.create();
  await scene.write("app.log", "");
  await scene.start();
  await scene.rename("app.log", "app.log.1");
  await scene.write("app.log", "");
  await scene.lookFully();
  await scene.passTime(20);
  return scene;
}

describe("a file that was rotated while it was empty", () => {
  test("is older than its successor, whenever its writer goes on", async () => {
    const scene = await rotatedEmpty();
    await scene.append("app.log.1", "late\n");
    await scene.append("app.log", "next\n");
    await scene.lookFully();
    expect(await texts(scene)).toEqual(["late\n", "next\n"]);
  });

  test("is so if its writer went on while no agent ran", async () => {
    const scene = await rotatedEmpty();
    await scene.restart(async () => {
      await scene.append("app.log", "next\n");
      await scene.passTime(20);
      await scene.append("app.log.1", "late\n");
    });
    expect(await texts(scene)).toEqual(["late\n", "next\n"]);
  });
});

test("a line that comes while the look finds the rotation is growth, no truncation", async () => {
  const onEvent = ({ kind }: AgentEvent): void => {
    if (kind === "file.rotated") appendFileSync(scene.path("app.log.1"), "late\n");
  };
  const scene: Scene = await Scene.create({ include: ["app.log*"], onEvent });
  await scene.write("app.log", "one\n");
  await scene.start();
  await scene.rename("app.log", "app.log.1");
  await scene.registry.look([scene.path("app.log.1")], false);
  await scene.lookFully();
  expect(scene.kinds()).toEqual(["file.rotated"]);
  expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["one\nlate\n"]);
});
