import { describe, expect, test } from "vitest";
import { copyTruncate, descriptorsIn, Scene } from "../scene.ts";

async function fiveFiles(maxOpenFiles: number): Promise<Scene> {
  const scene = await Scene.create({ include: ["*.log"], maxOpenFiles });
  for (const name of ["a", "b", "c", "d", "e"]) await scene.write(`${name}.log`, `${name}\n`);
  await scene.start();
  return scene;
}

describe("with more files than descriptors", () => {
  test("those that grew least recently are closed, and opened again to be read", async () => {
    const scene = await fiveFiles(2);
    expect(descriptorsIn(scene.directory)).toHaveLength(2);
    for (const file of scene.all()) {
      expect(await scene.unread(file)).toBe(`${file.path.at(-5)}\n`);
      expect(descriptorsIn(scene.directory).length).toBeLessThanOrEqual(3);
    }
    await scene.lookFully();
    expect(descriptorsIn(scene.directory).length).toBeLessThanOrEqual(2);
  });

  test("growth of a closed file is seen", async () => {
    const scene = await fiveFiles(1);
    for (const name of ["a", "c", "e"]) await scene.append(`${name}.log`, "more\n");
    await scene.lookFully();
    expect(scene.all().map(({ size }) => size)).toEqual([7, 2, 7, 2, 7]);
    expect(descriptorsIn(scene.directory).length).toBeLessThanOrEqual(1);
  });

  test.each([["b\n"], ["b\nmore\n"]])("a closed file that is written anew is read anew: %j", async (content) => {
    const scene = await fiveFiles(0);
    const old = scene.file("a.log");
    await scene.write("a.log", content);
    await scene.lookFully();
    expect(old.state).toBe("gone");
    expect(await scene.unread(scene.file("a.log"))).toBe(content);
  });

  test("a closed file is known in its copy, although it was written anew and is as long again", async () => {
    const scene = await Scene.create({ include: ["*.log", "*.log.1"], maxOpenFiles: 0 });
    await scene.write("a.log", "one\n");
    await scene.start();
    const file = scene.file("a.log");
    await copyTruncate(scene, "a.log", "a.log.1");
    await scene.append("a.log", "two\n");
    await scene.registry.look([scene.path("a.log.1")], false);
    await scene.lookFully();
    expect([scene.states(), scene.file("a.log.1")]).toEqual([["a.log.1 rotated", "a.log live"], file]);
  });

  test("a file that is being read stays open, whatever else is opened meanwhile", async () => {
    const scene = await fiveFiles(1);
    const file = scene.file("a.log");
    await scene.registry.reopen(file);
    await file.using(async () => {
      for (const other of ["b.log", "c.log", "d.log"]) await scene.registry.reopen(scene.file(other));
      expect(descriptorsIn(scene.directory)).toContain("a.log");
    });
    await scene.registry.reopen(scene.file("e.log"));
    expect(descriptorsIn(scene.directory)).toEqual(["e.log"]);
  });

  test("the copy of a closed file is known as such, though that was emptied and renamed before anybody looked", async () => {
    const scene = await Scene.create({ include: ["*.log"], maxOpenFiles: 0 });
    for (const name of ["a.log", "other.log"]) await scene.write(name, "one\n");
    await scene.start();
    for (const file of scene.all()) await scene.deliver(file);
    await scene.lookFully();
    await copyTruncate(scene, "a.log", "a.log.2");
    await scene.rename("a.log", "a.log.1");
    await scene.rename("other.log", "other.log.1");
    await scene.write("other.log", "");
    // It searches the directory for what was rotated, and finds the copy before it looks at the path.
    await scene.registry.look([scene.path("other.log")], false);
    await scene.lookFully();
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).not.toContain("one\n");
    expect(scene.states()).toContain("a.log.2 rotated");
  });

  test("two who open a file at the same time open it once", async () => {
    const scene = await fiveFiles(0);
    const file = scene.file("a.log");
    const opened = await Promise.all([scene.registry.reopen(file), scene.registry.reopen(file)]);
    expect(opened).toEqual([true, true]);
    expect(descriptorsIn(scene.directory)).toEqual(["a.log"]);
    await scene.registry.close();
    expect(descriptorsIn(scene.directory)).toEqual([]);
  });

  test("a closed file that is renamed out of the globs is found where it is", async () => {
    const scene = await fiveFiles(0);
    const file = scene.file("a.log");
    await scene.rename("a.log", "a.log.1");
    await scene.write("a.log", "new\n");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect([file.state, file.path]).toEqual(["rotated", scene.path("a.log.1")]);
    expect(await scene.unread(file)).toBe("a\n");
    expect(await scene.unread(scene.file("a.log"))).toBe("new\n");
  });

  test("what a closed file got before it was renamed is known before its successor is told", async () => {
    const sizes: number[] = [];
    const onAdded = (): void => void sizes.push(...scene.all().map(({ size }) => size));
    const scene: Scene = await Scene.create({ include: ["*.log"], maxOpenFiles: 0, onAdded });
    await scene.write("a.log", "one\n");
    await scene.start();
    await scene.append("a.log", "last\n");
    await scene.rename("a.log", "a.log.1");
    await scene.write("a.log", "new\n");
    sizes.length = 0;
    await scene.registry.look([scene.path("a.log")], false);
    expect(sizes).toEqual(["one\nlast\n".length, "new\n".length]);
  });

  test("a closed file that has vanished is out of reach", async () => {
    const { rm } = await import("node:fs/promises");
    const scene = await fiveFiles(0);
    const file = scene.file("a.log");
    await rm(file.path);
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect([file.state, scene.changed.includes(file)]).toEqual(["gone", true]);
    expect(await scene.registry.reopen(file)).toBe(false);
  });

  test("a deleted file keeps its descriptor, whatever the limit", async () => {
    const { rm } = await import("node:fs/promises");
    const scene = await Scene.create({ include: ["*.log"], maxOpenFiles: 2 });
    await scene.write("a.log", "a\n");
    await scene.start();
    const file = scene.file("a.log");
    await rm(file.path);
    await scene.lookFully();
    for (const name of ["b", "c", "d"]) await scene.write(`${name}.log`, `${name}\n`);
    await scene.lookFully();
    expect(await scene.unread(file)).toBe("a\n");
  });
});

describe("a file that is gone", () => {
  test("is not opened again, even if what took its place begins alike", async () => {
    const { truncate } = await import("node:fs/promises");
    const scene = await Scene.create();
    const head = `${"#".repeat(1_100)}\n`;
    await scene.write("app.log", `${head}old one\nold two\n`);
    await scene.start();
    const [file] = scene.all();
    await truncate(scene.path("app.log"), 0);
    await scene.append("app.log", head);
    await scene.lookFully();
    await scene.append("app.log", "new one\nnew two\nnew three\n");
    await scene.lookFully();
    expect(file?.state).toBe("gone");
    expect(file && (await scene.registry.reopen(file))).toBe(false);
    expect(descriptorsIn(scene.directory)).toEqual(["app.log"]);
  });
});

test("no descriptor is left behind by looks at what is refused, copied or forgotten", async () => {
  const { rm, symlink, truncate } = await import("node:fs/promises");
  const scene = await Scene.create({ include: ["*.log"] });
  await scene.write("a.log", "a\n");
  await symlink("/etc/hostname", scene.path("b.log"));
  await scene.start();
  for (let round = 0; round < 5; round += 1) {
    await scene.append("a.log", "more and more\n");
    await scene.lookFully();
    await truncate(scene.path("a.log"), 0);
    await scene.lookFully();
    await rm(scene.path("a.log"));
    await scene.lookFully();
    await scene.write("a.log", "again\n");
    await scene.lookFully();
  }
  const held = scene.all().filter(({ handle }) => handle !== undefined).length;
  expect(descriptorsIn(scene.directory)).toHaveLength(held);
  await scene.registry.close();
  expect(descriptorsIn(scene.directory)).toEqual([]);
});
