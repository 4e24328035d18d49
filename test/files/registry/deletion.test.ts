import { rm, stat, symlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { compress, descriptorsIn, GRACE_MS, Scene } from "../scene.ts";

describe("a deleted file", () => {
  test("is held and read to its end, then let go and forgotten", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\ntwo\n");
    await scene.start();
    const file = scene.file("app.log");
    await scene.deliver(file, 4);
    await rm(scene.path("app.log"));
    await scene.lookFully();
    expect([file.state, file.deleted, await scene.unread(file)]).toEqual(["rotated", true, "two\n"]);
    expect(scene.events).toEqual([{ kind: "file.deleted", path: scene.path("app.log"), unreadBytes: 4 }]);
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    expect(file.state).toBe("final");
    await scene.deliver(file);
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect([descriptorsIn(scene.directory), scene.forgotten, scene.all()]).toEqual([[], [file.id], []]);
  });

  test("whose path is made again is another file: the old one first", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await rm(scene.path("app.log"));
    await scene.write("app.log", "two\n");
    await scene.lookFully();
    expect(scene.added.map(({ id }) => id)).toEqual([1, 2]);
    expect(await Promise.all(scene.added.map((file) => scene.unread(file)))).toEqual(["one\n", "two\n"]);
    expect(scene.added.map(({ stream }) => stream)).toEqual([scene.path("app.log"), scene.path("app.log")]);
    expect(scene.added.map(({ deleted }) => deleted)).toEqual([true, false]);
  });

  test("grows on while its writer holds it", async () => {
    const { open } = await import("node:fs/promises");
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    const writer = await open(scene.path("app.log"), "a");
    await rm(scene.path("app.log"));
    await scene.lookFully();
    await writer.appendFile("two\n");
    await scene.lookFully();
    await writer.close();
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["one\ntwo\n"]);
  });

  test("that another followed file was moved over is deleted too, not live for ever", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    await scene.write("a.log", "a\n");
    await scene.write("b.log", "b\n");
    await scene.start();
    const [a, b] = [scene.file("a.log"), scene.file("b.log")];
    await scene.rename("a.log", "b.log");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect([b.state, b.deleted, await scene.unread(b)]).toEqual(["rotated", true, "b\n"]);
    expect([a.path, await scene.unread(a)]).toEqual([scene.path("b.log"), "a\n"]);
  });

  test("is told from one whose name ends like the mark of a deleted one", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    const file = scene.file("app.log");
    await scene.rename("app.log", "app.log (deleted)");
    await scene.lookFully();
    expect([file.state, file.deleted, file.path]).toEqual(["rotated", false, scene.path("app.log (deleted)")]);
  });
});

describe("an inode number that is used again", () => {
  test("is another file: nothing of it is skipped", async ({ skip }) => {
    // The handle is closed, or the number would not be free.
    const scene = await Scene.create({ include: ["*.log"], maxOpenFiles: 0 });
    await scene.write("a.log", "first\n");
    await scene.start();
    const { ino } = await stat(scene.path("a.log"));
    await scene.deliver(scene.file("a.log"));
    await scene.file("a.log").close();
    expect(descriptorsIn(scene.directory)).toEqual([]);
    await rm(scene.path("a.log"));
    if (!(await writeWithInode(scene, ino, "b.log"))) skip("this file system did not use the number again");
    await scene.append("b.log", "other\nsecond\n");
    await scene.lookFully();
    const file = scene.file("b.log");
    expect(file.id).toBe(2);
    expect(await scene.unread(file)).toBe("other\nsecond\n");
  });

  test("leaves the file that had it in its archive, also behind a link that was switched", async ({ skip }) => {
    const scene = await Scene.create({ include: ["current.log"], maxOpenFiles: 0 });
    await scene.write("app-1", "one\n");
    const { ino } = await stat(scene.path("app-1"));
    await symlink("app-1", scene.path("current.log"));
    await scene.start();
    const file = scene.file("current.log");
    await scene.deliver(file);
    await file.close();
    await compress(scene, "app-1");
    if (!(await writeWithInode(scene, ino, "app-2"))) skip("this file system did not use the number again");
    await scene.append("app-2", "two\n");
    await symlink("app-2", scene.path("next"));
    await scene.rename("next", "current.log");
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect([file.path, await scene.unread(file)]).toEqual([scene.path("app-1.gz"), ""]);
    expect(scene.all()).toHaveLength(2);
  });
});

/** Makes an empty file that has a freed inode number; false if the file system does not use it again soon. */
async function writeWithInode(scene: Scene, ino: number, name: string): Promise<boolean> {
  for (let i = 0; i < 50; i += 1) {
    await scene.write(`try-${i}`, "");
    if ((await stat(scene.path(`try-${i}`))).ino !== ino) continue;
    await scene.rename(`try-${i}`, name);
    return true;
  }
  return false;
}
