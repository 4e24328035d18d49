import { copyFile, mkdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { copyTruncate, descriptorsIn, GRACE_MS, Scene } from "../scene.ts";

/** A file of two lines, the first of which is delivered; then the agent ends. */
async function halfDelivered(include: readonly string[] = ["app.log"]): Promise<Scene> {
  const scene = await Scene.create({ include });
  await scene.write("app.log", "one\ntwo\n");
  await scene.start();
  await scene.deliver(scene.file("app.log"), 4);
  return scene;
}

const restOf = async (scene: Scene): Promise<string> =>
  (
    await Promise.all(
      scene
        .all()
        .filter(({ state }) => state !== "gone")
        .map((file) => scene.unread(file)),
    )
  ).join("");

test("a live file that was empty is told after the copies that were made of it meanwhile", async () => {
  const scene = await Scene.create({ include: ["app.log*"] });
  await scene.write("app.log", "");
  await scene.start();
  await scene.restart(async () => {
    for (const copy of ["app.log.2", "app.log.1"]) {
      await scene.append("app.log", `${copy}\n`);
      await copyTruncate(scene, "app.log", copy);
    }
    await scene.append("app.log", "live\n");
  });
  expect(await Promise.all(scene.added.map((file) => scene.unread(file)))).toEqual([
    "app.log.2\n",
    "app.log.1\n",
    "live\n",
  ]);
  const births = scene.added.map(({ born }) => born);
  expect(births).toEqual(births.toSorted((a, b) => Number(a - b)));
});

describe("after a restart", () => {
  test("a file that stayed is read on at its cursor", async () => {
    const scene = await halfDelivered();
    await scene.restart(() => scene.append("app.log", "three\n"));
    expect(scene.states()).toEqual(["app.log live"]);
    expect([scene.file("app.log").id, await restOf(scene)]).toEqual([1, "two\nthree\n"]);
  });

  test.each([
    ["the live name only", ["app.log"]],
    ["all names", ["app.log*"]],
  ])(
    "a file that was rotated meanwhile is read on under its new name, then its successor (include: %s)",
    async (_, include) => {
      const scene = await halfDelivered(include);
      await scene.restart(async () => {
        await scene.append("app.log", "three\n");
        await scene.rename("app.log", "app.log.1");
        await scene.write("app.log", "four\n");
      });
      expect(scene.states()).toEqual(["app.log.1 rotated", "app.log live"]);
      expect(await restOf(scene)).toBe("two\nthree\nfour\n");
    },
  );

  test("generations that were born and rotated meanwhile are read too, oldest first", async () => {
    const scene = await halfDelivered();
    await scene.restart(async () => {
      for (const text of ["three\n", "four\n"]) {
        await scene.rename("app.log.1", "app.log.2").catch(() => undefined);
        await scene.rename("app.log", "app.log.1");
        await scene.write("app.log", text);
      }
    });
    expect(await restOf(scene)).toBe("two\nthree\nfour\n");
    expect(new Set(scene.all().map(({ stream }) => stream)).size).toBe(1);
  });

  test("a generation that was born and rotated meanwhile is read, though all files before it are forgotten", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await rm(scene.path("app.log"));
    await scene.lookFully();
    await scene.clock.advance(GRACE_MS);
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect(scene.all()).toEqual([]);
    for (let start = 0; start < 2; start += 1) await scene.restart();
    await scene.restart(async () => {
      await scene.write("app.log", "two\n");
      await scene.rename("app.log", "app.log.1");
    });
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["two\n"]);
  });

  test("a file that was copied and truncated meanwhile is read on in its copy", async () => {
    const scene = await halfDelivered();
    await scene.restart(async () => {
      await copyFile(scene.path("app.log"), scene.path("app.log.1"));
      await truncate(scene.path("app.log"), 0);
      await scene.append("app.log", "new\n");
    });
    expect(scene.states()).toEqual(["app.log.1 rotated", "app.log live"]);
    expect(await restOf(scene)).toBe("two\nnew\n");
  });

  test.each([
    ["the live name only", ["app.log"]],
    ["all names", ["app.log*"]],
  ])(
    "a file that was copied and truncated twice meanwhile is read on in its copies, then itself (include: %s)",
    async (_, include) => {
      const scene = await halfDelivered(include);
      await scene.restart(async () => {
        await copyTruncate(scene, "app.log", "app.log.2");
        await scene.append("app.log", "three\n");
        await copyTruncate(scene, "app.log", "app.log.1");
        await scene.append("app.log", "four\n");
      });
      const byAge = scene.all().toSorted((a, b) => Number(a.born - b.born));
      const texts = await Promise.all(byAge.map((file) => scene.unread(file)));
      expect(texts).toEqual(["two\n", "three\n", "four\n"]);
    },
  );

  test("of two files that begin alike, and may be its copy, the one that has its rotated name is taken", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    const head = `${"#".repeat(1_100)}\n`;
    await scene.write("app.log", `${head}one\n`);
    await scene.start();
    await scene.deliver(scene.file("app.log"), head.length);
    await scene.restart(async () => {
      await copyTruncate(scene, "app.log", "app.log.1");
      await scene.write("other.log", `${head}the log of another, and longer\n`);
    });
    expect(scene.states().toSorted()).toEqual(["app.log live", "app.log.1 rotated", "other.log live"]);
    expect(scene.kinds()).toContain("file.ambiguous");
  });

  test("what begins alike, but has another name and size, is no copy of what was never delivered", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    const head = `${"#".repeat(1_100)}\n`;
    await scene.write("app.log", `${head}one\n`);
    await scene.start();
    await scene.deliver(scene.file("app.log"), 0);
    await scene.restart(async () => {
      await rm(scene.path("app.log"));
      await scene.write("other.log", `${head}the log of another\n`);
    });
    expect(scene.states()).toEqual(["app.log gone", "other.log live"]);
  });

  test("copies are found too if all that is durable is that the file goes on in its first copy", async () => {
    const scene = await halfDelivered();
    await copyTruncate(scene, "app.log", "app.log.1");
    await scene.lookFully();
    // A kill between two entries of the journal: of what is at the path now, nothing was kept.
    scene.store.record({ kind: "forget", file: scene.file("app.log").id });
    await scene.restart(async () => {
      for (const text of ["three\n", "four\n"]) {
        await scene.append("app.log", text);
        await scene.rename("app.log.2", "app.log.3").catch(() => undefined);
        await scene.rename("app.log.1", "app.log.2");
        await copyTruncate(scene, "app.log", "app.log.1");
      }
      await scene.append("app.log", "five\n");
    });
    const byAge = scene.all().toSorted((a, b) => Number(a.born - b.born));
    expect(await Promise.all(byAge.map((file) => scene.unread(file)))).toEqual([
      "two\n",
      "three\n",
      "four\n",
      "five\n",
    ]);
  });

  test("a directory that was deleted with its files below the root ends them; a missing root proves nothing", async () => {
    const scene = await Scene.create({ include: ["**/*.log"] });
    await mkdir(scene.path("pod"));
    await scene.write("pod/app.log", "one\n");
    await scene.start();
    await scene.restart(() => rm(scene.path("pod"), { recursive: true }));
    expect(scene.states()).toEqual(["app.log gone"]);
    await scene.write("app.log", "one\n");
    await scene.lookFully();
    const aside = `${scene.directory}.aside`;
    await scene.restart(() => rename(scene.directory, aside));
    expect(scene.states()).toContain("app.log live");
    await rename(aside, scene.directory);
  });

  test("a file that was truncated and written anew meanwhile is a new one; the rest of the old one is out of reach", async () => {
    for (const content of ["x\n", "ONE\nTWO\n", "ONE\nTWO\nTHREE\n"]) {
      const scene = await halfDelivered();
      await scene.restart(() => writeFile(scene.path("app.log"), content));
      await scene.lookFully();
      expect(scene.states()).toEqual(["app.log gone", "app.log live"]);
      expect(await restOf(scene)).toBe(content);
    }
  });

  test.each([
    ["at once", ""],
    ["and got more then", "late\n"],
  ])("a file that was truncated, written anew and rotated meanwhile is read where it is now (%s)", async (_, late) => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.passTime(50);
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.restart(async () => {
      await truncate(scene.path("app.log"), 0);
      await scene.append("app.log", "two\nthree\n");
      await scene.rename("app.log", "app.log-20261128");
      await scene.write("app.log", "four\n");
      await scene.append("app.log-20261128", late);
    });
    await scene.lookFully();
    const readable = scene.all().filter(({ state }) => state !== "gone");
    expect(await Promise.all(readable.map((file) => scene.unread(file)))).toEqual([`two\nthree\n${late}`, "four\n"]);
  });

  test("of a file that begins alike after it was written anew, no more is out of reach than there was", async () => {
    const head = `${"=".repeat(1_200)}\n`;
    const scene = await Scene.create();
    await scene.write("app.log", `${head}one\ntwo\n`);
    await scene.start();
    await scene.deliver(scene.file("app.log"), head.length + 4);
    const content = `${head}ONE\nTWO\nTHREE\n`;
    await scene.restart(() => writeFile(scene.path("app.log"), content));
    expect(scene.all().map(({ state, size }) => [state, size])).toEqual([
      ["gone", head.length + 8],
      ["live", content.length],
    ]);
    expect(await restOf(scene)).toBe(content);
  });

  test("a file that vanished is out of reach, with the highest size that was seen", async () => {
    const scene = await halfDelivered();
    await scene.restart(() => rm(scene.path("app.log")));
    expect(scene.all().map(({ state, size }) => [state, size])).toEqual([["gone", 8]]);
  });

  test("what a file got meanwhile counts as seen, should it vanish before it was read", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "");
    await scene.start();
    await scene.restart(() => scene.append("app.log", "one\ntwo\n"));
    expect(scene.store.files.get(1)).toMatchObject({ size: 8, identity: { head: { length: 8 } } });
    await scene.restart(() => truncate(scene.path("app.log")));
    expect(scene.all().map(({ id, state, size }) => [id, state, size])).toEqual([
      [1, "gone", 8],
      [2, "live", 0],
    ]);
  });

  test("what a file got meanwhile counts as seen in its copy, too, should that vanish before it was read", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await scene.restart(async () => {
      await scene.append("app.log", "two\n");
      await copyTruncate(scene, "app.log", "app.log.1");
    });
    await scene.restart(() => rm(scene.path("app.log.1")));
    expect(scene.all().map(({ id, state, size }) => [id, state, size])).toContainEqual([1, "gone", 8]);
  });

  test("what an empty file got meanwhile and lost to its copy is read there", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "");
    await scene.start();
    await scene.restart(async () => {
      await scene.append("app.log", "one\n");
      await copyTruncate(scene, "app.log", "app.log.1");
    });
    const byAge = scene.all().toSorted((a, b) => Number(a.born - b.born));
    expect(await Promise.all(byAge.map((file) => scene.unread(file)))).toEqual(["one\n", ""]);
  });

  test("a path that was made again is a new file", async () => {
    const scene = await halfDelivered();
    await scene.restart(async () => {
      await rm(scene.path("app.log"));
      await scene.write("other", "takes the inode number");
      await scene.write("app.log", "one\ntwo\n");
    });
    const live = scene.all().filter(({ state }) => state !== "gone");
    // By its content it may pass for a copy of the old one; in no case is anything skipped or read twice.
    const read = await Promise.all(live.map((file) => scene.unread(file)));
    expect(["two\n", "one\ntwo\n"]).toContain(read.join(""));
  });

  test("a vanished file is not found in another file that is followed itself", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    await scene.write("a.log", "same\n");
    await scene.write("b.log", "same\n");
    await scene.start();
    for (const file of scene.all()) await scene.deliver(file);
    await scene.restart(() => rm(scene.path("a.log")));
    await scene.append("b.log", "more\n");
    await scene.lookFully();
    expect(await restOf(scene)).toBe("more\n");
    expect(scene.all().filter(({ handle }) => handle !== undefined)).toHaveLength(1);
    expect(descriptorsIn(scene.directory)).toEqual(["b.log"]);
  });

  test("a file that was rotated before the end is still a generation of its stream", async () => {
    const scene = await halfDelivered();
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "three\n");
    await scene.lookFully();
    await scene.restart(async () => {
      await scene.rename("app.log.1", "app.log.2");
    });
    expect(scene.states()).toEqual(["app.log.2 rotated", "app.log live"]);
    expect(await restOf(scene)).toBe("two\nthree\n");
  });

  test("a small file that grew past its first fingerprint is known again", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "1\n");
    await scene.start();
    await scene.append("app.log", "x".repeat(2_000));
    await scene.lookFully();
    await scene.deliver(scene.file("app.log"), 2);
    await scene.restart();
    expect(scene.states()).toEqual(["app.log live"]);
    expect(scene.file("app.log").id).toBe(1);
  });

  test("an empty file is known again", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "");
    await scene.start();
    await scene.restart(() => scene.append("app.log", "one\n"));
    expect([scene.states(), scene.file("app.log").id]).toEqual([["app.log live"], 1]);
  });

  test("what was decided of a file is kept", async () => {
    const scene = await halfDelivered();
    scene.file("app.log").format = "json";
    await scene.append("app.log", "three\n");
    await scene.lookFully();
    await scene.restart();
    expect(scene.file("app.log").format).toBe("json");
  });
});
