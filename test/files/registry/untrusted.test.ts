import { once } from "node:events";
import { execFileSync } from "node:child_process";
import { chmod, link, mkdir, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../core/scratch.ts";
import { withoutRights } from "../../support/rights.ts";
import { GRACE_MS, Scene } from "../scene.ts";

/** A generation that every sink has is deleted at once. */
const removingRotated = {
  rotated: { grace: GRACE_MS, dirs: [], maxHeldBytes: 1 << 29, policy: "release", delete: { after: 1 } },
} as const;

describe("links", () => {
  test("two names of one file are one file", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    await scene.write("a.log", "one\n");
    await link(scene.path("a.log"), scene.path("b.log"));
    await scene.start();
    await scene.lookFully();
    expect(scene.states()).toEqual(["a.log live"]);
    await unlink(scene.path("a.log"));
    await scene.append("b.log", "two\n");
    await scene.lookFully();
    expect(scene.all()).toHaveLength(1);
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["one\ntwo\n"]);
  });

  test("a link and its target are one file", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    await scene.write("app-1.log", "one\n");
    await symlink("app-1.log", scene.path("current.log"));
    await scene.start();
    await scene.lookFully();
    expect(scene.all()).toHaveLength(1);
  });

  test("a link that is switched is a rotation, also when its target is not included", async () => {
    const scene = await Scene.create({ include: ["current.log"] });
    await scene.write("app-1", "one\n");
    await scene.write("app-2", "two\n");
    await symlink("app-1", scene.path("current.log"));
    await scene.start();
    await symlink("app-2", scene.path("next"));
    await scene.rename("next", "current.log");
    await scene.append("app-1", "late\n");
    await scene.lookFully();
    expect(scene.states()).toEqual(["app-1 rotated", "current.log live"]);
    expect(await Promise.all(scene.all().map((file) => scene.unread(file)))).toEqual(["one\nlate\n", "two\n"]);
  });

  test("a link that is switched back leads to the live file", async () => {
    const scene = await Scene.create({ include: ["current.log"] });
    await scene.write("app-1", "one\n");
    await scene.write("app-2", "two\n");
    await symlink("app-1", scene.path("current.log"));
    await scene.start();
    for (const target of ["app-2", "app-1"]) {
      await symlink(target, scene.path("next"));
      await scene.rename("next", "current.log");
      await scene.lookFully();
    }
    await scene.append("app-1", "more\n");
    await scene.lookFully();
    expect(scene.states()).toEqual(["current.log live", "app-2 rotated"]);
    expect(await scene.unread(scene.file("current.log"))).toBe("one\nmore\n");
  });

  test.each([["current.log"], ["current*.log"]])(
    "what the link leads to is the live file, though its name is like a generation's (include: %s)",
    async (include) => {
      const scene = await Scene.create({ include: [include], source: removingRotated });
      await scene.write("current-1.log", "one\n");
      await symlink("current-1.log", scene.path("current.log"));
      await scene.start();
      await scene.restart(async () => {
        await scene.write("current-2.log", "two\n");
        await symlink("current-2.log", scene.path("next"));
        await scene.rename("next", "current.log");
      });
      for (const file of scene.all()) await scene.deliver(file);
      for (let look = 0; look < 3; look += 1) {
        await scene.clock.advance(GRACE_MS);
        await scene.lookFully();
      }
      await scene.append("current-2.log", "more\n");
      await scene.lookFully();
      expect(await scene.unread(scene.file("current.log"))).toBe("more\n");
    },
  );

  test("generations between two switches are known by the names of those that the link led to", async () => {
    const scene = await Scene.create({ include: ["server.INFO"] });
    const switchTo = async (number: number): Promise<void> => {
      const name = `server.host.user.log.INFO.2026-${number}`;
      await scene.write(name, `${number}\n`);
      await symlink(name, scene.path("next"));
      await scene.rename("next", "server.INFO");
    };
    await switchTo(1);
    await scene.start();
    await scene.write("server.host.user.log.ERROR.2026-2", "another log\n");
    await switchTo(2);
    await switchTo(3);
    await scene.lookFully();
    await scene.restart(async () => {
      await switchTo(4);
      await switchTo(5);
    });
    const byAge = scene.all().toSorted((a, b) => Number(a.born - b.born));
    expect(await Promise.all(byAge.map((file) => scene.unread(file)))).toEqual(["1\n", "2\n", "3\n", "4\n", "5\n"]);
    expect(new Set(byAge.map(({ stream }) => stream))).toEqual(new Set([scene.path("server.INFO")]));
  });

  test("a link out of the roots is refused, said once, and read once it leads inside", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    const secret = join(scene.directory, "..", "secret");
    await writeFile(secret, "password\n");
    await symlink(secret, scene.path("a.log"));
    await scene.start();
    for (let look = 0; look < 3; look += 1) await scene.lookFully();
    expect(scene.all()).toEqual([]);
    expect(scene.events).toMatchObject([{ kind: "file.refused", path: scene.path("a.log") }]);
    await unlink(scene.path("a.log"));
    await scene.write("a.log", "mine\n");
    await scene.lookFully();
    expect(await scene.unread(scene.file("a.log"))).toBe("mine\n");
  });

  test("a link to where allowedRoots leads is followed", async () => {
    const pods = scratchDirectory();
    const scene = await Scene.create({ include: ["*.log"], source: { allowedRoots: [pods] } });
    await writeFile(join(pods, "0.log"), "one\n");
    await symlink(join(pods, "0.log"), scene.path("a.log"));
    await scene.start();
    expect(await scene.unread(scene.file("a.log"))).toBe("one\n");
  });

  test("a directory that is replaced by a link while files of it are followed leads nowhere", async () => {
    const scene = await Scene.create({ include: ["sub/*.log"] });
    const outside = join(scene.directory, "..", "outside");
    await mkdir(outside);
    await writeFile(join(outside, "app.log"), "password\n");
    await mkdir(scene.path("sub"));
    await scene.write("sub/app.log", "one\n");
    await scene.start();
    await scene.rename("sub", "old");
    await symlink(outside, scene.path("sub"));
    await scene.lookFully();
    await scene.lookFully();
    const texts = await Promise.all(scene.all().map((file) => scene.unread(file)));
    expect(texts.join("")).not.toContain("password");
    expect(scene.kinds()).toContain("file.refused");
  });

  test("a link in a circle, and one that leads nowhere, are no obstacle", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    await symlink("loop.log", scene.path("loop.log"));
    await symlink("nowhere", scene.path("dangling.log"));
    await scene.write("a.log", "one\n");
    await scene.start();
    await scene.lookFully();
    expect(scene.states()).toEqual(["a.log live"]);
    expect(scene.events.filter(({ kind }) => kind === "file.refused" || kind === "file.unreadable")).toEqual([
      { kind: "file.refused", path: scene.path("loop.log"), reason: "a loop of symbolic links" },
    ]);
  });
});

describe("what is no regular file", () => {
  test("a FIFO without a writer does not block, directly or behind a link", async () => {
    const scene = await Scene.create({ include: ["*.log"] });
    execFileSync("mkfifo", [scene.path("pipe.log"), scene.path("pipe")]);
    await symlink("pipe", scene.path("linked.log"));
    await scene.write("a.log", "one\n");
    await scene.start();
    for (let look = 0; look < 2; look += 1) await scene.lookFully();
    expect(scene.states()).toEqual(["a.log live"]);
    const told = scene.events.filter(({ kind }) => kind === "file.refused" || kind === "file.unreadable");
    expect(told).toMatchObject([
      { kind: "file.refused", path: scene.path("pipe.log"), reason: "not a regular file" },
      { kind: "file.refused", path: scene.path("linked.log"), reason: "not a regular file" },
    ]);
  });

  test("a directory with the name of a log file is walked, not read", async () => {
    const scene = await Scene.create({ include: ["**/*.log"] });
    await mkdir(scene.path("x.log"));
    await scene.write("x.log/a.log", "one\n");
    await scene.start();
    expect(scene.states()).toEqual(["a.log live"]);
  });

  test("a file that is replaced by a directory is deleted", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await scene.start();
    await rm(scene.path("app.log"));
    await mkdir(scene.path("app.log"));
    await scene.lookFully();
    expect(scene.all().map(({ state, deleted }) => [state, deleted])).toEqual([["rotated", true]]);
  });
});

describe("permissions", () => {
  test("a file without them is said once, and read when they come", async () => {
    const scene = await Scene.create();
    await scene.write("app.log", "one\n");
    await openToAll(scene);
    await chmod(scene.path("app.log"), 0o000);
    await withoutRights(async () => {
      await scene.start();
      await scene.lookFully();
    });
    expect(scene.all()).toEqual([]);
    expect(scene.events).toMatchObject([
      { kind: "file.unreadable", path: scene.path("app.log"), reason: "permission denied" },
    ]);
    await chmod(scene.path("app.log"), 0o644);
    await withoutRights(() => scene.lookFully());
    expect(await scene.unread(scene.file("app.log"))).toBe("one\n");
  });

  test.each([
    ["is open", 1_024],
    ["was closed", 0],
  ])("a directory that can't be entered for a while changes nothing (its file %s)", async (_, maxOpenFiles) => {
    const scene = await Scene.create({ maxOpenFiles });
    await scene.write("app.log", "one\npart");
    await openToAll(scene);
    await scene.start();
    const file = scene.file("app.log");
    await chmod(scene.directory, 0o000);
    await withoutRights(async () => {
      for (let look = 0; look < 3; look += 1) {
        await scene.lookFully();
        await scene.clock.advance(GRACE_MS);
      }
    });
    expect([file.state, scene.all()]).toEqual(["live", [file]]);
    expect(scene.kinds()).toContain("file.unreadable");
    await chmod(scene.directory, 0o755);
    await scene.append("app.log", "ial\n");
    await scene.lookFully();
    expect([file.state, await scene.unread(file)]).toEqual(["live", "one\npartial\n"]);
    expect(scene.kinds()).not.toContain("file.rotated");
  });

  test("a closed file that grew and can't be opened for a while has not changed", async () => {
    const scene = await Scene.create({ maxOpenFiles: 0 });
    await scene.write("app.log", "one\n");
    await openToAll(scene);
    await scene.start();
    const file = scene.file("app.log");
    await scene.append("app.log", "two\n");
    await chmod(scene.path("app.log"), 0o000);
    await withoutRights(() => scene.lookFully());
    expect([file.state, scene.kinds().filter((kind) => kind === "file.truncated")]).toEqual(["live", []]);
    await chmod(scene.path("app.log"), 0o644);
    await scene.lookFully();
    expect([scene.all().length, await scene.unread(file)]).toEqual([1, "one\ntwo\n"]);
  });
});

/** Lets another user reach the scene's directory. */
async function openToAll(scene: Scene): Promise<void> {
  await chmod(join(scene.directory, ".."), 0o755);
  await chmod(scene.directory, 0o755);
}

describe("names", () => {
  test("that are not valid UTF-8 are told once, of files and of directories, and the others are read", async () => {
    const scene = await Scene.create({ include: ["**/*.log"] });
    const bad = (end: string): Buffer =>
      Buffer.concat([Buffer.from(`${scene.directory}/`), Buffer.from([0xff]), Buffer.from(end)]);
    await mkdir(bad("dir"));
    await writeFile(bad(".log"), "unreachable\n");
    await scene.write("good.log", "good\n");
    await scene.start();
    for (let look = 0; look < 3; look += 1) await scene.lookFully();
    const told = scene.events.flatMap((event) =>
      event.kind === "file.unreadable" ? [[event.path, event.reason]] : [],
    );
    const reason = "its name is not valid UTF-8";
    expect(told).toEqual([
      [scene.path("\uFFFDdir"), reason],
      [scene.path("\uFFFD.log"), reason],
    ]);
    expect(scene.states()).toEqual(["good.log live"]);
  });

  test("with line feeds, quotes and wildcards are names like any other", async () => {
    const names = ["new\nline.log", 'quo"te.log', "*.log", "[a].log", " .log", "\u001B[31m.log"];
    const scene = await Scene.create({ include: ["*.log"] });
    for (const name of names) await scene.write(name, `${name}\n`);
    await scene.start();
    await scene.lookFully();
    expect(scene.all().map(({ path }) => path)).toEqual(names.map((name) => scene.path(name)));
    await scene.restart();
    expect(scene.states()).toHaveLength(names.length);
  });
});

test("a socket is refused once, and blocks nothing", async () => {
  const scene = await Scene.create({ include: ["*.log"] });
  const server = createServer().listen(scene.path("socket.log"));
  onTestFinished(() => void server.close());
  await once(server, "listening");
  await scene.write("good.log", "good\n");
  await scene.start();
  for (let look = 0; look < 3; look += 1) await scene.lookFully();
  expect(scene.states()).toEqual(["good.log live"]);
  expect(scene.events.filter(({ kind }) => kind === "file.unreadable" || kind === "file.refused")).toHaveLength(1);
});
