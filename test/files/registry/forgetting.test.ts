import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { GRACE_MS, Scene } from "../scene.ts";

const DAY_MS = 24 * 3_600_000;
const FILES = 1_100;

test("of generations that are gone and delivered a thousand are remembered, and none after a day", async () => {
  const scene = await Scene.create({ include: ["*.log"], maxOpenFiles: 64 });
  const names = Array.from({ length: FILES }, (_, number) => `app-${number}.log`);
  await Promise.all(names.map((name) => writeFile(scene.path(name), `${name}\n`)));
  await scene.start();
  for (const file of scene.all()) await scene.deliver(file);
  await Promise.all(names.map((name) => scene.rename(name, `${name}.1`)));
  await scene.lookFully();
  await scene.clock.advance(GRACE_MS + 1);
  await scene.lookFully();
  await scene.lookFully();
  expect(new Set(scene.all().map(({ state }) => state))).toEqual(new Set(["released"]));
  await Promise.all(names.map((name) => rm(scene.path(`${name}.1`))));
  for (let look = 0; look < 3; look += 1) await scene.lookFully();
  expect([scene.all().length, scene.forgotten.length]).toEqual([1_000, FILES - 1_000]);
  await scene.clock.advance(DAY_MS + 1);
  for (let look = 0; look < 3; look += 1) await scene.lookFully();
  expect([scene.all(), scene.forgotten.length]).toEqual([[], FILES]);
});
