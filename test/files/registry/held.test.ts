import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { descriptorsIn, GRACE_MS, Scene, type SceneOptions } from "../scene.ts";

const rotated = (options: object): Pick<SceneOptions, "source"> => ({
  source: { rotated: { grace: GRACE_MS, dirs: [], maxHeldBytes: 1 << 29, policy: "release", ...options } },
});

async function deleteUnread(options: SceneOptions, names: readonly string[]): Promise<Scene> {
  const scene = await Scene.create({ include: ["*.log"], ...options });
  for (const name of names) await scene.write(name, `${name}, 20 bytes long..\n`.slice(-20));
  await scene.start();
  for (const name of names) await rm(scene.path(name));
  await scene.lookFully();
  return scene;
}

describe("deleted files that are held", () => {
  test("are let go past the bound, the oldest first, and only so many", async () => {
    const scene = await deleteUnread(rotated({ maxHeldBytes: 45 }), ["a.log", "b.log", "c.log"]);
    expect(scene.registry.heldBytes).toBe(40);
    expect(scene.all().map(({ state }) => state)).toEqual(["gone", "rotated", "rotated"]);
    expect(scene.events).toContainEqual({
      kind: "file.heldReleased",
      path: scene.path("a.log"),
      heldBytes: 20,
      lostBytes: 20,
      reason: "maxHeldBytes",
    });
    expect(descriptorsIn(scene.directory)).toHaveLength(2);
  });

  test("are let go until the disk is no longer nearly full", async () => {
    const free = [0.05, 0.05, 0.2];
    const scene = await deleteUnread({ freePart: () => free.shift() ?? 0.2 }, ["a.log", "b.log", "c.log"]);
    expect(scene.all().map(({ state }) => state)).toEqual(["gone", "gone", "rotated"]);
    expect(scene.events).toContainEqual(expect.objectContaining({ kind: "file.heldReleased", reason: "lowDisk" }));
  });

  test("are held for ever if that is wanted", async () => {
    const options = { ...rotated({ maxHeldBytes: 1, policy: "hold" }), freePart: () => 0 };
    const scene = await deleteUnread(options, ["a.log"]);
    expect([scene.registry.heldBytes, scene.states()]).toEqual([20, ["a.log rotated"]]);
  });
});

describe("retention", () => {
  const AFTER_MS = 600_000;
  const retained = rotated({ delete: { after: AFTER_MS } });

  /** A live file and a rotated one that is past its grace. */
  async function rotatedOnce(deliver: boolean): Promise<Scene> {
    const scene = await Scene.create({ include: ["app.log*"], ...retained });
    await scene.write("app.log", "old\n");
    await scene.start();
    const old = scene.file("app.log");
    if (deliver) await scene.deliver(old);
    await scene.rename("app.log", "app.log.1");
    await scene.write("app.log", "live\n");
    await scene.lookFully();
    await scene.deliver(scene.file("app.log"));
    await scene.clock.advance(GRACE_MS + 1);
    await scene.lookFully();
    return scene;
  }

  test("removes a generation that every sink has, after its time and not before, and never the live file", async () => {
    const scene = await rotatedOnce(true);
    await scene.clock.advance(AFTER_MS - 1_000);
    await scene.lookFully();
    expect(existsSync(scene.path("app.log.1"))).toBe(true);
    await scene.clock.advance(2_000);
    await scene.lookFully();
    expect(existsSync(scene.path("app.log.1"))).toBe(false);
    expect(scene.events).toContainEqual({ kind: "file.removed", path: scene.path("app.log.1"), bytes: 4 });
    await scene.clock.advance(10 * AFTER_MS);
    await scene.lookFully();
    expect(await readFile(scene.path("app.log"), "utf8")).toBe("live\n");
  });

  test("removes nothing that some sink has not got", async () => {
    const scene = await rotatedOnce(false);
    await scene.clock.advance(10 * AFTER_MS);
    await scene.lookFully();
    expect(existsSync(scene.path("app.log.1"))).toBe(true);
  });

  test("removes nothing that was put in the generation's place, nor through a directory that became a link", async () => {
    const scene = await rotatedOnce(true);
    await scene.rename("app.log.1", "kept");
    await writeFile(scene.path("app.log.1"), "another one\n");
    await scene.clock.advance(2 * AFTER_MS);
    await scene.lookFully();
    expect(existsSync(scene.path("app.log.1"))).toBe(true);
  });

  test("says once that it can't, and tries again", async ({ skip }) => {
    skip(process.geteuid?.() === 0, "root may remove anything");
    const scene = await rotatedOnce(true);
    await chmod(scene.directory, 0o500);
    await scene.clock.advance(2 * AFTER_MS);
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    await chmod(scene.directory, 0o700);
    expect(scene.kinds().filter((kind) => kind === "file.notRemoved")).toHaveLength(1);
    await scene.lookFully();
    expect(existsSync(scene.path("app.log.1"))).toBe(false);
  });
});

test("a directory that was swapped for a link does not let anything outside be removed", async () => {
  const scene = await Scene.create({ include: ["sub/app.log"], ...rotated({ delete: { after: 1 } }) });
  await mkdir(scene.path("sub"));
  await scene.write("sub/app.log", "old\n");
  await scene.start();
  await scene.deliver(scene.file("sub/app.log"));
  await scene.rename("sub/app.log", "sub/app.log.1");
  await scene.lookFully();
  await scene.clock.advance(GRACE_MS + 1);
  await scene.lookFully();
  await rm(`${scene.directory}-outside`, { recursive: true, force: true });
  await scene.rename("sub", "../logs-outside");
  await symlink(`${scene.directory}-outside`, scene.path("sub"));
  await scene.clock.advance(10);
  await scene.lookFully();
  expect(existsSync(`${scene.directory}-outside/app.log.1`)).toBe(true);
});
