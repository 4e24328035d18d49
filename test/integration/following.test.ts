import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clean, Following, linesOf } from "../support/following.ts";

describe("new files", () => {
  test("a file that appears later, in a directory that appears later, is read from its beginning", async () => {
    const app = await Following.open(["first"]);
    mkdirSync(app.path("deep/er"), { recursive: true });
    writeFileSync(app.path("deep/er/new.log"), "in a new file\n");
    await app.arrived("in a new file");
    writeFileSync(app.path("deep/er/new.log"), "and more\n", { flag: "a" });
    await app.arrived("and more");
    expect(await app.ended()).toEqual(clean("first", "in a new file", "and more"));
  });

  test("a file of three bytes is read, and two files with the same content stay two", async () => {
    const app = await Following.open([]);
    for (const name of ["a.log", "b.log"]) writeFileSync(app.path(name), "ab\n");
    await app.arrived("ab");
    writeFileSync(app.path("b.log"), "only in b\n", { flag: "a" });
    await app.arrived("only in b");
    expect(await app.ended()).toEqual(clean("ab", "ab", "only in b"));
  });

  test("neither a link out of the directory nor a named pipe is read, and neither blocks the others", async () => {
    const app = await Following.open(["first"]);
    writeFileSync(join(app.scene.dir, "secret.txt"), "secret\n");
    symlinkSync(join(app.scene.dir, "secret.txt"), app.path("link.log"));
    execFileSync("mkfifo", [app.path("pipe.log")]);
    writeFileSync(app.path("late.log"), "late\n");
    await app.arrived("late");
    app.append("last");
    await app.arrived("last");
    expect(await app.ended()).toEqual(clean("first", "late", "last"));
  });
});

describe("rotation", () => {
  test("generations that came and went between two looks are read in their order", async () => {
    const app = await Following.open(["begin of 0"]);
    const rotations = 8;
    await app.behindItsBack(() => {
      for (let n = 1; n <= rotations; n += 1) {
        app.append(`end of ${n - 1}`);
        // Older generations first, as logrotate does: app.log.1 becomes app.log.2 before app.log becomes app.log.1.
        for (let older = n - 1; older >= 1; older -= 1) {
          renameSync(app.path(`app.log.${older}`), app.path(`app.log.${older + 1}`));
        }
        renameSync(app.path(), app.path("app.log.1"));
        app.append(`begin of ${n}`);
      }
    });
    await app.arrived(`begin of ${rotations}`);
    const all = Array.from({ length: rotations + 1 }, (_, n) => [`begin of ${n}`, `end of ${n}`]).flat();
    expect(await app.ended()).toEqual(clean(...all.slice(0, -1)));
  });

  test("a writer may go on writing to the renamed file after the new one was begun", async () => {
    const app = await Following.open(["first"]);
    const held = openSync(app.path(), "a");
    renameSync(app.path(), app.path("app.log.1"));
    app.append("new generation");
    await app.arrived("new generation");
    writeSync(held, "late in the old one\n");
    await app.arrived("late in the old one");
    closeSync(held);
    expect(await app.ended()).toEqual(clean("first", "new generation", "late in the old one"));
  });

  test("the partial last line of a rotated file becomes a line when the grace is over", async () => {
    const app = await Following.open(["first"], { rotated: { grace: "1s" } });
    app.scene.write("app.log", "never ended");
    renameSync(app.path(), app.path("app.log.1"));
    app.append("next");
    await app.arrived("next", "never ended");
    expect(await app.ended()).toEqual(clean("first", "next", "never ended"));
  });

  test("generations that were born and rotated while the agent was away are read when it is back", async () => {
    const app = await Following.open(["0"]);
    await app.agent.kill9();
    app.append("end of 0");
    renameSync(app.path(), app.path("app.log.2"));
    writeFileSync(app.path("app.log.1"), "only in 1\n");
    app.append("2");
    app.start();
    await app.arrived("2");
    const repeated = app.messages[1] === "0" ? ["0"] : [];
    expect(await app.ended()).toEqual(clean("0", ...repeated, "end of 0", "only in 1", "2"));
  });
});

describe("deletion and truncation", () => {
  test("a file that was deleted while open is read to its end", async () => {
    const app = await Following.open(["first"]);
    await app.behindItsBack(() => {
      app.append("unread when it was deleted");
      rmSync(app.path());
    });
    await app.arrived("unread when it was deleted");
    expect(await app.ended()).toEqual(clean("first", "unread when it was deleted"));
  });

  test("a path that was deleted and made again is a new file, and the old one is read to its end before", async () => {
    const app = await Following.open(["first"]);
    await app.behindItsBack(() => {
      app.append("end of the old one");
      rmSync(app.path());
      app.append("new one");
    });
    await app.arrived("new one");
    expect(await app.ended()).toEqual(clean("first", "end of the old one", "new one"));
  });

  test("after a truncation the file is read from its beginning", async () => {
    const app = await Following.open(["a long first line", "second"]);
    truncateSync(app.path());
    app.append("short");
    await app.arrived("short");
    app.append("next");
    await app.arrived("next");
    expect(await app.ended()).toEqual(clean("a long first line", "second", "short", "next"));
  });

  test("a truncation is noticed although the file has grown past its old size between two looks", async () => {
    const app = await Following.open(["first"]);
    const lines = Array.from({ length: 50 }, (_, n) => `after the truncation ${n}`);
    await app.behindItsBack(() => {
      truncateSync(app.path());
      app.append(...lines);
    });
    await app.arrived(...lines);
    expect(await app.ended()).toEqual(clean("first", ...lines));
  });

  test("another file under the same path and inode number is read from its beginning after a restart", async ({
    skip,
  }) => {
    const app = await Following.open(["first", "second"]);
    expect((await app.agent.terminate()).code).toBe(0);
    const lines = ["other first", "other second", "other third"];
    const { ino } = statSync(app.path());
    for (let tries = 0; tries < 20 && (tries === 0 || statSync(app.path()).ino !== ino); tries += 1) {
      rmSync(app.path());
      writeFileSync(app.path(), linesOf(lines));
    }
    skip(statSync(app.path()).ino !== ino, "this file system does not give an inode number out again");
    app.start();
    await app.arrived(...lines);
    expect(await app.ended()).toEqual(clean("first", "second", ...lines));
  });

  test("a file whose content was replaced in place while the agent was away is read from its beginning", async () => {
    const app = await Following.open(["first", "second"]);
    expect((await app.agent.terminate()).code).toBe(0);
    const lines = ["other first", "other second", "other third"];
    writeFileSync(app.path(), linesOf(lines));
    app.start();
    await app.arrived(...lines);
    expect(await app.ended()).toEqual(clean("first", "second", ...lines));
  });
});

describe("the last line", () => {
  test("a line without its end waits until it is complete", async () => {
    const app = await Following.open(["first"]);
    app.scene.write("app.log", "begin ");
    writeFileSync(app.path("other.log"), "a line of another file\n");
    await app.arrived("a line of another file");
    app.scene.write("app.log", "middle ");
    writeFileSync(app.path("other.log"), "and one more\n", { flag: "a" });
    await app.arrived("and one more");
    app.append("end");
    await app.arrived("begin middle end");
    expect(await app.ended()).toEqual(clean("first", "a line of another file", "and one more", "begin middle end"));
  });

  test("at the end a partial line is sent; unchanged at the next start it is not sent again", async () => {
    const app = await Following.open(["first"]);
    app.scene.write("app.log", "partial");
    expect(await app.ended()).toEqual(clean("first", "partial"));
    app.start();
    writeFileSync(app.path("other.log"), "the agent is at work\n");
    await app.arrived("the agent is at work");
    expect(await app.ended()).toEqual(clean("first", "partial", "the agent is at work"));
  });

  test("a partial line that was sent at the end and is completed afterwards is sent whole", async () => {
    const app = await Following.open(["first"]);
    app.scene.write("app.log", "partial");
    expect(await app.ended()).toEqual(clean("first", "partial"));
    app.append(" no more", "next");
    app.start();
    await app.arrived("next");
    expect(await app.ended()).toEqual(clean("first", "partial", "partial no more", "next"));
  });
});
