import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DeadLetters } from "../../src/pipeline/dead-letters.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { TestClock } from "../core/test-clock.ts";
import { recordOf } from "./fakes.ts";

function make(maxBytes = 1_024 ** 2) {
  const directory = join(scratchDirectory(), "dead-letters", "splunk");
  const clock = new TestClock();
  return { directory, clock, letters: new DeadLetters({ directory, sink: "splunk", maxBytes, clock }) };
}

async function linesIn(directory: string): Promise<readonly unknown[]> {
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  return texts
    .join("")
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

test("a refused record is kept with all that tells where it came from", async () => {
  const { directory, letters } = make();
  const body = 'line with "quotes", \u2028, \u0000 and \uD800';
  expect(await letters.append(recordOf(body, 42), "400: bad\nrequest")).toEqual({ kind: "kept" });
  expect(await linesIn(directory)).toEqual([
    {
      time: "2026-01-01T00:00:00.000Z",
      sink: "splunk",
      reason: "400: bad\nrequest",
      file: "/logs/app.log",
      offset: 42,
      record: body,
    },
  ]);
});

test("they are for their owner's eyes only", async () => {
  const { directory, letters } = make();
  await letters.append(recordOf("secret"), "400");
  const [name = ""] = await readdir(directory);
  expect((await stat(directory)).mode & 0o077).toBe(0);
  expect((await stat(join(directory, name))).mode & 0o077).toBe(0);
});

test("many at once are kept one after the other, in whole lines", async () => {
  const { directory, letters } = make();
  const bodies = Array.from({ length: 50 }, (_, index) => `record ${index}`);
  const results = await Promise.all(bodies.map((body, index) => letters.append(recordOf(body, index), "400")));
  expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["kept"]));
  expect(await linesIn(directory)).toMatchObject(bodies.map((record) => ({ record })));
});

test("their size is bounded, what an earlier run left included", async () => {
  const { directory, letters } = make(1_000);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "1-1.ndjson"), "x".repeat(800));
  expect(await letters.append(recordOf("a"), "400")).toEqual({ kind: "kept" });
  expect(await letters.append(recordOf("b"), "400")).toEqual({ kind: "full" });
  const total = await Promise.all(
    (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size),
  );
  expect(total.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(1_000);
});

test("a store that can't be written says so and works again when it can", async () => {
  const { directory, letters, clock } = make();
  await mkdir(join(directory, ".."), { recursive: true });
  await writeFile(directory, "in the way");
  expect(await letters.append(recordOf("a"), "400")).toMatchObject({ kind: "failed" });
  await rm(directory);
  await clock.advance(5_000);
  expect(await letters.append(recordOf("a"), "400")).toEqual({ kind: "kept" });
  expect(await linesIn(directory)).toHaveLength(1);
});

test("after a failure the next segment begins clean: no line is glued to a torn one", async () => {
  const { directory, letters } = make();
  await letters.append(recordOf("a"), "400");
  const [name = ""] = await readdir(directory);
  await appendFile(join(directory, name), '{"torn');
  await rm(directory, { recursive: true });
  await writeFile(directory, "in the way");
  expect(await letters.append(recordOf("b"), "400")).toMatchObject({ kind: "failed" });
  await rm(directory);
  await mkdir(directory);
  await writeFile(join(directory, name), '{"torn');
  // No time has passed: the name must differ all the same.
  expect(await letters.append(recordOf("c"), "400")).toEqual({ kind: "kept" });
  expect(await readFile(join(directory, name), "utf8")).toBe('{"torn');
});
