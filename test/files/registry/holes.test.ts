import { type FileHandle, open } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { readFile } from "node:fs/promises";
import { Scene } from "../scene.ts";

/** A writer that keeps its own offset, as one without O_APPEND does. */
class Writer {
  readonly #handle: FileHandle;
  #offset = 0;

  static async open(scene: Scene, name: string): Promise<Writer> {
    const handle = await open(scene.path(name), "w");
    onTestFinished(() => handle.close());
    return new Writer(handle);
  }

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(text: string): Promise<void> {
    await this.#handle.write(text, this.#offset);
    this.#offset += text.length;
  }
}

async function copyTruncate(scene: Scene, to: string): Promise<void> {
  await scene.write(to, await readFile(scene.path("app.log")));
  const handle = await open(scene.path("app.log"), "r+");
  await handle.truncate(0);
  await handle.close();
}

const sizes: readonly (readonly [string, number])[] = [
  ["shorter than a block of the disk", 100],
  ["of many blocks", 300_000],
];

describe.each(sizes)("a hole %s", (_, length) => {
  const before = `${"x".repeat(length - 1)}\n`;

  test.each([
    ["the truncation was seen before the writer went on", true],
    ["it was not", false],
  ])("is no content: %s", async (__, seen) => {
    const scene = await Scene.create();
    const writer = await Writer.open(scene, "app.log");
    await writer.write(before);
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await copyTruncate(scene, "app.log.1");
    if (seen) await scene.lookFully();
    await writer.write("after\n");
    await scene.lookFully();
    const file = scene.file("app.log");
    expect([file.hole?.offset, file.size]).toEqual([length, length + 6]);
    expect(scene.events).toContainEqual({ kind: "file.hole", path: scene.path("app.log"), bytes: length });
    await scene.deliver(file, length);
    expect(await scene.unread(file)).toBe("after\n");
  });

  test("is told from the one of the next truncation, so nothing between them is lost", async () => {
    const scene = await Scene.create();
    const writer = await Writer.open(scene, "app.log");
    await writer.write(before);
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await copyTruncate(scene, "app.log.2");
    await writer.write("between\n");
    await scene.lookFully();
    const between = scene.file("app.log");
    await copyTruncate(scene, "app.log.1");
    await writer.write("after\n");
    await scene.lookFully();
    expect([between.state, between.path, between.hole?.offset]).toEqual(["rotated", scene.path("app.log.1"), length]);
    expect(scene.file("app.log").hole?.offset).toBe(length + 8);
  });

  test("is known again after a restart", async () => {
    const scene = await Scene.create();
    const writer = await Writer.open(scene, "app.log");
    await writer.write(before);
    await scene.start();
    await scene.deliver(scene.file("app.log"));
    await scene.restart(async () => {
      await copyTruncate(scene, "app.log.1");
      await writer.write("after\n");
    });
    expect(scene.file("app.log").hole?.offset).toBe(length);
    await scene.restart();
    expect(scene.file("app.log").hole?.offset).toBe(length);
  });
});

test("NUL bytes that somebody wrote are content", async () => {
  const scene = await Scene.create();
  await scene.write("app.log", "\0\0\0\0\0\0text\n");
  await scene.start();
  expect(scene.file("app.log").hole).toBeUndefined();
});
