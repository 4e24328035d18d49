import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { StateLock } from "../../src/checkpoint/lock.ts";
import { describeError, UserError } from "../../src/core/errors.ts";
import { scratchDirectory } from "../core/scratch.ts";
import { flush, TestClock } from "../core/test-clock.ts";

const HOLDER = fileURLToPath(new URL("lock-holder.ts", import.meta.url));

/** How long a process may take to start before it tries the first directory. */
const START_MS = 1_500;

interface Holder {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  /** For each directory `held` or `refused: ...`. */
  readonly said: Promise<string[]>;
}

function hold(directories: readonly string[], at: number): Holder {
  const child = spawn(process.execPath, [HOLDER, String(at), ...directories], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { child, said: firstLines(child.stdout, directories.length) };
}

async function firstLines(stream: Readable, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface(stream)) {
    lines.push(line);
    if (lines.length === count) break;
  }
  return lines;
}

async function acquire(directory: string, clock = new TestClock(Date.now())): Promise<StateLock> {
  const lock = await StateLock.acquire(directory, clock);
  onTestFinished(() => lock.release());
  return lock;
}

const boot = async (): Promise<string> => (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();

describe("the lock of the state directory", () => {
  test("is taken in a directory that is made for it, with no rights for others", async () => {
    const directory = join(scratchDirectory(), "deep", "state");
    await acquire(directory);
    expect((await stat(directory)).mode & 0o077).toBe(0);
    expect(JSON.parse(await readFile(join(directory, "owner.json"), "utf8"))).toMatchObject({ pid: process.pid });
  });

  test("is refused to a second agent, with a sentence for its user, and free after the release", async () => {
    const directory = scratchDirectory();
    const first = await StateLock.acquire(directory, new TestClock(Date.now()));
    const second = StateLock.acquire(directory, new TestClock(Date.now()));
    await expect(second).rejects.toThrow(UserError);
    await expect(second).rejects.toThrow(/in use by another tailcar/);
    await first.release();
    await acquire(directory);
  });

  test("agents that start in the same instant: exactly one gets it; after kill -9 of the holder it is free", async () => {
    const directories = Array.from({ length: 8 }, () => scratchDirectory());
    const at = Date.now() + START_MS;
    const holders = [hold(directories, at), hold(directories, at)];
    const said = await Promise.all(holders.map((holder) => holder.said));
    for (const [i, directory] of directories.entries()) {
      const each = said.map((lines) => lines[i] ?? "").sort();
      expect(each).toEqual(["held", expect.stringMatching(/^refused: .* in use/)]);
      await expect(StateLock.acquire(directory, new TestClock(Date.now()))).rejects.toThrow(/in use/);
    }
    const killed = holders.map(({ child }) => once(child, "exit"));
    for (const { child } of holders) child.kill("SIGKILL");
    await Promise.all(killed);
    for (const directory of directories) await acquire(directory);
  });

  test.each([
    [
      "of a process that has this one's number",
      async () => JSON.stringify({ pid: process.pid, host: "h", bootId: await boot() }),
    ],
    ["of a process that lives", async () => JSON.stringify({ pid: 1, host: "h", bootId: await boot() })],
    ["that is cut short", async () => '{"pid":'],
    ["that is empty", async () => ""],
    ["that holds something else", async () => "null"],
    ["that holds a number", async () => "7"],
  ])("a stale owner file %s fakes nothing", async (_, content) => {
    const directory = scratchDirectory();
    await writeFile(join(directory, "owner.json"), await content());
    const clock = new TestClock(Date.now());
    const acquiring = acquire(directory, clock);
    await settled();
    await clock.advance(10_000);
    expect(await acquiring).toBeInstanceOf(StateLock);
  });

  test("a directory whose owner has another boot id and stays silent is taken: that was before a reboot", async () => {
    const directory = scratchDirectory();
    await writeFile(join(directory, "owner.json"), JSON.stringify({ pid: 1, host: "other", bootId: "other" }));
    const clock = new TestClock(Date.now());
    const acquiring = acquire(directory, clock);
    await settled();
    await clock.advance(10_000);
    await acquiring;
    expect(await readFile(join(directory, "owner.json"), "utf8")).toContain(await boot());
  });

  test("a directory whose owner has another boot id and shows that it is alive is refused, and left as it was", async () => {
    const directory = scratchDirectory();
    const owner = join(directory, "owner.json");
    const content = JSON.stringify({ pid: 42, host: "node-7", bootId: "other" });
    await writeFile(owner, content);
    const clock = new TestClock(Date.now());
    const acquiring = StateLock.acquire(directory, clock).catch(describeError);
    await settled();
    await utimes(owner, new Date(5_000), new Date(5_000));
    await clock.advance(10_000);
    expect(await acquiring).toMatch(/in use by tailcar on node-7 \(pid 42\)/);
    expect(await readFile(owner, "utf8")).toBe(content);
    // The refusal holds nothing.
    await utimes(owner, new Date(), new Date());
    const next = new TestClock(Date.now());
    const second = acquire(directory, next);
    await settled();
    await next.advance(10_000);
    await second;
  });

  test("the holder shows that it is alive", async () => {
    const directory = scratchDirectory();
    const clock = new TestClock(Date.parse("2030-01-01T00:00:00Z"));
    await acquire(directory, clock);
    const mtime = async (): Promise<number> => (await stat(join(directory, "owner.json"))).mtimeMs;
    const times: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(4_000);
      await settled();
      times.push(await mtime());
    }
    expect(times[0]).toBeLessThan(times[1] ?? 0);
    expect(times[1]).toBeLessThan(times[2] ?? 0);
  });

  test("a directory that came in the place of the locked one is locked too, once no other agent has it", async () => {
    const parent = scratchDirectory();
    const directory = join(parent, "state");
    const first = await acquire(directory);
    await rename(directory, join(parent, "away"));
    const second = await StateLock.acquire(directory, new TestClock(Date.now()));
    await expect(first.hold()).rejects.toThrow(/in use by another tailcar/);
    await second.release();
    await Promise.all([first.hold(), first.hold()]);
    await expect(StateLock.acquire(directory, new TestClock(Date.now()))).rejects.toThrow(/in use by another tailcar/);
  });

  test("a directory that can't be made is told to the user", async () => {
    const directory = scratchDirectory();
    await writeFile(join(directory, "file"), "");
    await expect(StateLock.acquire(join(directory, "file", "state"), new TestClock())).rejects.toThrow(/set stateDir/);
    await chmod(directory, 0o700);
  });
});

/** Lets file system calls come back that are under way. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    await stat(".");
    await flush();
  }
}
