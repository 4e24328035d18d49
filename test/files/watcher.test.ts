import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { watchForHints } from "../../src/files/watcher.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { until } from "../support/poll.ts";

function watching(directory: string) {
  const hints: string[] = [];
  const failures: string[] = [];
  const watcher = watchForHints({
    onHint: (path, isEntry) => hints.push(`${isEntry ? "entry" : "change"} ${path.slice(directory.length + 1) || "."}`),
    onFailed: (reason) => failures.push(reason),
  });
  onTestFinished(() => watcher.close());
  return { watcher, hints, failures, hinted: (hint: string) => until(hint, () => hints.includes(hint)) };
}

test("hints at each file that is written, made or renamed in a watched directory, with one watch", async () => {
  const directory = scratchDirectory();
  await writeFile(join(directory, "a.log"), "");
  const { watcher, hinted } = watching(directory);
  watcher.add(directory);
  watcher.add(directory);
  await hinted("entry .");
  await appendFile(join(directory, "a.log"), "line\n");
  await hinted("change a.log");
  await rename(join(directory, "a.log"), join(directory, "b.log"));
  await hinted("entry b.log");
  await mkdir(join(directory, "sub"));
  await hinted("entry sub");
  expect(watcher.isReliable).toBe(true);
});

test("a directory that is dropped gives no hints, and can be watched again", async () => {
  const directory = scratchDirectory();
  const { watcher, hints, hinted } = watching(directory);
  watcher.add(directory);
  await hinted("entry .");
  watcher.retain(new Set());
  await writeFile(join(directory, "unseen.log"), "");
  hints.length = 0;
  watcher.add(directory);
  await hinted("entry .");
  await writeFile(join(directory, "seen.log"), "");
  await hinted("entry seen.log");
  expect(hints).not.toContain("entry unseen.log");
});

test("a directory that is not there is no failure of watching; a local one is reliable", async () => {
  const directory = scratchDirectory();
  const { watcher, failures } = watching(directory);
  watcher.add(join(directory, "missing"));
  await watcher.probe(directory);
  expect([watcher.isReliable, failures]).toEqual([true, []]);
});
