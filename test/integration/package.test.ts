import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NODE, PROJECT } from "../support/agent-process.ts";

const run = promisify(execFile);

const directory = mkdtempSync(join(tmpdir(), "tailcar-package-"));
const entry = join(directory, "cli.js");

/** A Node that is too old, if the machine has one. */
const oldNode = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "node"))
  .filter((path) => existsSync(path))
  .find((path) => Number(/^v(\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1]) < 24);

beforeAll(async () => {
  const rolldown = join(PROJECT, "node_modules/rolldown/bin/cli.mjs");
  await run(NODE, [rolldown, "--config", "rolldown.config.ts", "--dir", directory], { cwd: PROJECT });
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

test("the built command runs", async () => {
  const { stdout } = await run(NODE, [entry, "--version"]);
  expect(stdout).toBe(`${String(JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")).version)}\n`);
});

test.skipIf(oldNode === undefined)("an old Node is told which one is needed, and shows no stack", async () => {
  const end = await run(oldNode ?? "", [entry, "run"]).catch((error: unknown) => error);
  expect(end).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^tailcar: needs Node\.js 24\.12 or newer, and this is \d+\.\d+\.\d+\n$/),
  });
});
