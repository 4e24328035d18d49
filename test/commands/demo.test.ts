import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseQuantity } from "../../src/commands/demo-parts.ts";
import { NODE, PROJECT } from "../support/agent-process.ts";

const run = promisify(execFile);
const CLI = join(PROJECT, "src/cli.ts");

/** The demo's temporary directory is made in here, and it runs from here. */
let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "demo-command-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const options = () => ({ cwd: directory, env: { ...process.env, TMPDIR: directory } });

const numbersOf = (line: string | undefined): number[] =>
  [...(line ?? "").matchAll(/[\d,]*\d/g)].map(([digits]) => Number(digits.replaceAll(",", "")));

function expectBalance(stdout: string): void {
  const lines = stdout.split("\n");
  const row = (name: string): number[] => numbersOf(lines.find((line) => line.startsWith(name)));
  const [written = 0, bytes = 0] = numbersOf(lines.find((line) => line.includes("written by the application")));
  expect(written).toBeGreaterThan(0);
  expect(row("  delivered")).toEqual([bytes, bytes, bytes]);
  expect(row("+ pending")).toEqual([0, 0, 0]);
  expect(row("= read from files")).toEqual([bytes, bytes, bytes]);
  expect(row("records delivered")).toEqual([written, written, written]);
  const received = lines.filter((line) => line.includes(" received by "));
  expect(received.map((line) => [numbersOf(line)[0], line.includes("0 missing")])).toEqual([
    [written, true],
    [written, true],
    [written, true],
  ]);
  expect(lines.at(-2)).toBe("balanced");
}

describe("demo", () => {
  test("--seconds ends by itself, balances, and leaves nothing behind", { timeout: 60_000 }, async () => {
    const startedMs = performance.now();
    const { stdout, stderr } = await run(NODE, [CLI, "demo", "--seconds", "3"], options());
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    expectBalance(stdout);
    expect(stderr).toMatch(/datadog is failing: HTTP 429.*next attempt in 1\.0 s/);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("SIGINT, also when npm hands it on twice, delivers the rest and balances", { timeout: 60_000 }, async () => {
    const child = spawn(NODE, [CLI, "demo"], { ...options(), stdio: ["ignore", "pipe", "ignore"] });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (!/\d written.*stdout [1-9]/.test(stdout)) return;
      child.kill("SIGINT");
      child.kill("SIGINT");
    });
    expect(await once(child, "close")).toEqual([0, null]);
    expectBalance(stdout);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("a time that is none is a usage error", async () => {
    await expect(run(NODE, [CLI, "demo", "--seconds", "soon"], options())).rejects.toMatchObject({
      code: 2,
      stderr: "tailcar: --seconds soon: expected a number above 0\n",
    });
  });

  test.each(["0", "-1", "", "Infinity", "3s"])("the quantity %j is refused", (text) => {
    expect(() => parseQuantity("--rate", text)).toThrow("expected a number above 0");
  });
});

describe("the parts of the demo", () => {
  test("the application alone writes until SIGTERM", { timeout: 60_000 }, async () => {
    const child = spawn(NODE, [CLI, "demo-app", "--dir", "logs"], {
      ...options(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [first] = await once(createInterface(child.stdout), "line");
    expect(first).toBe(`writing 50 lines a second to app.log and access.log in ${join(directory, "logs")}`);
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
    expect(readdirSync(join(directory, "logs"))).toEqual(["access.log", "app.log"]);
  });

  test("the intake alone takes logs and prints its totals", { timeout: 60_000 }, async () => {
    const args = [CLI, "demo-intake", "--listen", "127.0.0.1:0"];
    const child = spawn(NODE, args, { ...options(), stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface(child.stdout);
    const [first] = await once(lines, "line");
    const port = /127\.0\.0\.1:(\d+)/.exec(String(first))?.[1];
    const headers = { "dd-api-key": "k" };
    const body = '[{"message":"seq=5"},{"message":"seq=7"}]';
    const response = await fetch(`http://127.0.0.1:${port}/api/v2/logs`, { method: "POST", headers, body });
    expect(response.status).toBe(202);
    child.kill("SIGTERM");
    const [totals] = await once(lines, "line");
    expect(totals).toBe(
      "datadog 2 lines, 0 duplicates, 1 gaps | splunk 0 lines, 0 duplicates, 0 gaps | 0 injected faults, 0 refused",
    );
    expect(await once(child, "close")).toEqual([0, null]);
  });
});
