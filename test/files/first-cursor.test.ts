import { expect, test } from "vitest";
import { endOf } from "../../src/files/first-cursor.ts";
import { positionAt } from "../../src/files/identity.ts";
import { Scene } from "./scene.ts";

test.each<[string, string, number]>([
  ["an empty file", "", 0],
  ["no whole line", "abc", 0],
  ["whole lines", "a\nb\n", 4],
  ["a last line without its end", "a\nbc", 2],
  ["a very long last line without its end", `a\n${"x".repeat(200_000)}`, 2],
  ["very long lines", `${"x".repeat(200_000)}\n${"y".repeat(65_536)}\n`, 265_538],
])("the end of %s is after its last whole line", async (_, content, offset) => {
  const scene = await Scene.create();
  await scene.write("app.log", content);
  await scene.start();
  const file = scene.file("app.log");
  const position = await endOf(file);
  expect(position.offset).toBe(offset);
  expect(file.handle && (await positionAt(file.handle, offset))).toEqual(position);
});
