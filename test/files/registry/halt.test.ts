import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Scene } from "../scene.ts";

async function manyFiles(count: number): Promise<Scene> {
  const scene = await Scene.create({ include: ["*.log"] });
  for (let file = 0; file < count; file += 1) await scene.write(`${file}.log`, `${file}\n`);
  return scene;
}

describe("a halted look", () => {
  test("at the start ends before it has taken up all files, and says so; the next run finds the rest", async () => {
    const scene = await manyFiles(40);
    const starting = scene.start();
    scene.registry.halt();
    await starting;
    expect([scene.all().length < 40, scene.registry.isCutShort]).toEqual([true, true]);
    await scene.restart();
    expect([scene.all().length, scene.registry.isCutShort]).toEqual([40, false]);
  });

  test("at a restart takes no file for lost that it did not look for", async () => {
    const scene = await manyFiles(3);
    await scene.start();
    await rm(scene.path("1.log"));
    scene.events.length = 0;
    await scene.restart(async () => undefined, { halted: true });
    expect(scene.all().map(({ state }) => state)).not.toContain("gone");
    await scene.restart();
    expect(scene.states()).toEqual(["0.log live", "1.log gone", "2.log live"]);
  });

  test("that had seen everything is not cut short", async () => {
    const scene = await manyFiles(3);
    await scene.start();
    scene.registry.halt();
    expect(scene.registry.isCutShort).toBe(false);
  });
});
