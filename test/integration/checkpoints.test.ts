import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clean, Following } from "../support/following.ts";
import { until } from "../support/poll.ts";

/** The journal: the one regular file of the state directory that grows with the checkpoints. */
function journal(state: string): string {
  const names = readdirSync(state).filter((name) => name.endsWith(".journal"));
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw new Error(`no single journal in ${readdirSync(state).join(", ")}`);
  return join(state, name);
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, n) => `line ${from + n}`);

describe("resuming", () => {
  test("after an orderly end nothing is sent twice and nothing is left out", async () => {
    const app = await Following.open(numbered(0, 500));
    expect((await app.ended()).code).toBe(0);
    app.append(...numbered(500, 700));
    app.start();
    app.append(...numbered(700, 800));
    await app.arrived("line 799");
    expect(await app.ended()).toEqual(clean(...numbered(0, 800)));
  });

  test("startAt end leaves out what was there at the first start, but nothing that came while the agent was away", async () => {
    const app = await Following.open([], { startAt: "end" }, (scene) => scene.write("app.log", "too old\n"));
    // A line that arrives shows that the agent has made its choice about the files that were there.
    await until("the agent to follow", () => {
      app.append("tick");
      return app.messages.length > 0;
    });
    writeFileSync(app.path("new.log"), "in a file that appeared later\n");
    await app.arrived("in a file that appeared later");
    await app.agent.kill9();
    app.append("while the agent was away");
    app.start();
    await app.arrived("while the agent was away");
    expect((await app.ended()).messages).not.toContain("too old");
  });
});

/** What a power cut or a bad disk leaves behind. */
const DAMAGES: [name: string, damage: (path: string) => void][] = [
  ["a torn last entry", (path) => truncateSync(path, statSync(path).size - 5)],
  ["a damaged byte in the first entry", (path) => flip(path, readFileSync(path).indexOf("\n") + 20)],
  ["a damaged byte in the last entry", (path) => flip(path, -20)],
  ["a damaged first line", (path) => flip(path, 2)],
  ["an empty journal", (path) => truncateSync(path)],
  ["random bytes instead of a journal", (path) => writeFileSync(path, Buffer.alloc(300, 0xa7))],
];

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0x01;
  writeFileSync(path, bytes);
}

test.each(DAMAGES)("%s leads to no loss, and an error says so", async (_name, damage) => {
  const app = await Following.open(numbered(0, 100));
  app.append(...numbered(100, 200));
  await app.arrived("line 199");
  await app.agent.kill9();
  damage(journal(app.scene.state));
  app.append(...numbered(200, 250));
  const agent = app.start();
  await app.arrived(...numbered(0, 250));
  expect((await app.ended()).code).toBe(0);
  // Duplicates are allowed here, loss is not; and never more than everything once again.
  expect(app.messages.length).toBeLessThanOrEqual(200 + 250);
  const errors = agent.log().filter(({ level }) => level === "error");
  expect(errors.map(({ line }) => line).join("\n")).toMatch(/checkpoint|journal/i);
});

describe("one agent per state directory", () => {
  test("a second one says who is at fault and exits with 1, and the first goes on", async () => {
    const app = await Following.open(["first"]);
    const first = app.agent;
    const second = app.start();
    expect(await second.waitExit(60_000)).toEqual({ code: 1, signal: null });
    expect(second.stderr).toContain(app.scene.state);
    app.agent = first;
    app.append("second");
    await app.arrived("second");
    expect(await app.ended()).toEqual(clean("first", "second"));
  });

  test("of two that start in the same instant exactly one runs", async () => {
    const app = await Following.open(["first"]);
    expect((await app.ended()).code).toBe(0);
    const rivals = [app.start(), app.start(), app.start()];
    const running = () => rivals.filter(({ exit }) => exit === undefined);
    const [winner] = await until("all but one to end", () => running().length <= 1 && running(), { timeoutMs: 60_000 });
    if (winner === undefined) throw new Error("none of them runs");
    app.agent = winner;
    app.append("second");
    await app.arrived("second");
    expect(rivals.map(({ exit }) => String(exit?.code)).sort()).toEqual(["1", "1", "undefined"]);
    expect(await app.ended()).toEqual(clean("first", "second"));
  });

  test("after kill -9 a restart is never refused", async () => {
    const app = await Following.open(["0"]);
    for (const line of ["1", "2", "3"]) {
      await app.agent.kill9();
      app.append(line);
      app.start();
      await app.arrived(line);
    }
    expect(new Set(app.messages)).toEqual(new Set(["0", "1", "2", "3"]));
  });
});
