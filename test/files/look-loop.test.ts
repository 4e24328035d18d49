import { mkdir, symlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { LookLoop } from "../../src/files/look-loop.ts";
import type { WatcherOptions } from "../../src/files/watcher.ts";
import { until } from "../support/poll.ts";
import { Scene, type SceneOptions } from "./scene.ts";

/** A running loop whose hints come from the test. */
async function looking(options: SceneOptions & { readonly reliable?: boolean }, prepare: (scene: Scene) => unknown) {
  const scene = await Scene.create(options);
  await prepare(scene);
  const watched = new Set<string>();
  let hint: WatcherOptions["onHint"] | undefined;
  const loop = new LookLoop({
    registry: scene.registry,
    clock: scene.clock,
    emit: (event) => scene.events.push(event),
    watch: ({ onHint }) => {
      hint = onHint;
      return {
        isReliable: options.reliable ?? true,
        add: (directory) => watched.add(directory),
        drop: (directory) => watched.delete(directory),
        retain: () => undefined,
        retry: () => undefined,
        probe: async () => undefined,
        close: async () => undefined,
      };
    },
  });
  loop.watch();
  await scene.start();
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  const isWaiting = (): Promise<boolean> => until("the loop to wait", () => scene.clock.sleeping === 1);
  /** Lets time pass, in steps in which every look comes to its end. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      await isWaiting();
      await scene.clock.advance(100);
    }
    await isWaiting();
  };
  await pass(100);
  return { scene, loop, watched, pass, hint: (path: string, isEntry = false) => hint?.(path, isEntry) };
}

const IDLE_SINCE = new Date("2020-01-01");

async function idle(scene: Scene): Promise<void> {
  await scene.write("idle.log", "old\n");
  await utimes(scene.path("idle.log"), IDLE_SINCE, IDLE_SINCE);
}

describe("the loop", () => {
  test.each([true, false])("says when it looked last, and whether it polls (hints reliable: %s)", async (reliable) => {
    const { scene, loop, pass } = await looking({ include: ["*.log"], reliable }, idle);
    expect(loop.isPolling).toBe(!reliable);
    const before = loop.lookedAtMs ?? 0;
    await pass(2_000);
    expect(loop.lookedAtMs).toBeGreaterThan(before);
    expect(loop.lookedAtMs).toBeLessThanOrEqual(scene.clock.elapsed());
  });
});

describe("without a hint", () => {
  test("a file that grew lately is seen to grow within a second", async () => {
    const { scene, pass } = await looking({ include: ["*.log"] }, (made) => made.write("busy.log", "one\n"));
    await scene.append("busy.log", "two\n");
    await pass(1_200);
    expect(scene.file("busy.log").size).toBe(8);
  });

  test("an idle file is seen to grow within 30 s, and not at the cost of a look each second", async () => {
    const { scene, pass } = await looking({ include: ["*.log"] }, idle);
    await scene.append("idle.log", "new\n");
    await pass(20_000);
    expect(scene.file("idle.log").size).toBe(4);
    await pass(11_000);
    expect(scene.file("idle.log").size).toBe(8);
  });

  test("a new file is found within 5 s", async () => {
    const { scene, pass } = await looking({ include: ["*.log"] }, idle);
    await scene.write("new.log", "new\n");
    await pass(5_300);
    expect(scene.file("new.log").size).toBe(4);
  });

  test("where hints can't be relied on, a new file and a replaced idle one are found within a second", async () => {
    const { scene, pass } = await looking({ include: ["*.log"], reliable: false }, idle);
    await scene.write("new.log", "new\n");
    await scene.rename("idle.log", "idle.1");
    await scene.write("idle.log", "successor\n");
    await pass(1_300);
    expect([scene.file("new.log").size, scene.file("idle.log").size]).toEqual([4, 10]);
  });
});

describe("with a hint", () => {
  test("an idle file is seen to grow at once", async () => {
    const { scene, pass, hint } = await looking({ include: ["*.log"] }, idle);
    await scene.append("idle.log", "new\n");
    hint(scene.path("idle.log"));
    await pass(100);
    expect(scene.file("idle.log").size).toBe(8);
  });

  test("that a directory came, its files are found within a second, and it is watched", async () => {
    const { scene, watched, pass, hint } = await looking({ include: ["**/*.log"] }, idle);
    await mkdir(scene.path("sub"));
    await scene.write("sub/new.log", "new\n");
    hint(scene.path("sub"), true);
    await pass(1_200);
    expect(scene.file("sub/new.log").size).toBe(4);
    expect(watched).toContain(scene.path("sub"));
  });

  test("where a link leads to, the file behind the link is seen to grow", async () => {
    const { scene, watched, pass, hint } = await looking(
      { include: ["*.log"], source: { allowedRoots: ["/"] } },
      async (made) => {
        const target = join(dirname(made.directory), "elsewhere.txt");
        await made.write("../elsewhere.txt", "old\n");
        await utimes(target, IDLE_SINCE, IDLE_SINCE);
        await symlink(target, made.path("link.log"));
      },
    );
    const target = join(dirname(scene.directory), "elsewhere.txt");
    expect(watched).toContain(dirname(target));
    await scene.append("../elsewhere.txt", "new\n");
    hint(target);
    await pass(100);
    expect(scene.file("link.log").size).toBe(8);
  });
});
