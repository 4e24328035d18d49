import { renameSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { findCopy } from "../../src/files/copies.ts";
import { discard } from "../../src/files/confinement.ts";
import { compress, Scene } from "./scene.ts";

test("a copy that is renamed between its listing and its opening is found all the same", async () => {
  const scene = await Scene.create();
  await scene.write("app.log", "one\n");
  await scene.start();
  const file = scene.file("app.log");
  await scene.deliver(file);
  await compress(scene, "app.log", "app.log.1.gz");
  let isRenamed = false;
  const copy = await findCopy({
    file,
    position: scene.cursorOf(file),
    roots: [scene.directory],
    isNeeded: false,
    isKnown: () => {
      if (!isRenamed) renameSync(scene.path("app.log.1.gz"), scene.path("app.log.2.gz"));
      isRenamed = true;
      return false;
    },
    onAmbiguity: () => undefined,
  });
  onTestFinished(() => copy && discard(copy));
  expect(copy?.realPath).toBe(scene.path("app.log.2.gz"));
});
