import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { EXIT } from "../src/core/errors.ts";
import { CONTAINER_NAMES, FORMAT_NAMES } from "../src/core/format.ts";
import { sinkDefinitions } from "../src/sinks/registry.ts";
import { METRICS } from "../src/telemetry/metrics.ts";
import { check } from "./docker/check.ts";
import { blocks, commands, flags, inBackticks, pages, read, root, tableAfter, textOf } from "./docs/pages.ts";

const readme = read("README.md");

const files = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));

describe("README", () => {
  test("is short enough for a first look", () => {
    expect(readme.split("\n").length).toBeLessThan(221);
  });

  test("names each type of sink and each format", () => {
    const named = tableAfter("## Sinks and formats", readme).map(([sink = ""]) => inBackticks(sink)[0]);
    expect(named).toEqual(sinkDefinitions.map(({ type }) => type));
    const formats = readme.split("\n").find((line) => line.startsWith("| formats ")) ?? "";
    expect(inBackticks(formats)).toEqual([...FORMAT_NAMES, ...CONTAINER_NAMES, "csv", "regex"]);
  });

  test("shows each command but the demo, which npm start runs", () => {
    const shown = [
      ...blocks("sh", "README.md")
        .join("\n")
        .matchAll(/^tailcar (\w+)/gm),
    ].map(([, command]) => command);
    expect(new Set([...shown, "demo"])).toEqual(new Set(commands.filter((command) => !command.startsWith("demo-"))));
  });

  test("names scripts that exist", () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read("package.json")));
    const named = [
      ...pages
        .map(read)
        .join("\n")
        .matchAll(/(?:^|`|&& )npm (?:run )?([a-z:-]+)/gm),
    ].map((match) => match[1] ?? "");
    const ofNpm = new Set(["run", "ci", "pack", "install"]);
    expect(named.filter((name) => !(name in scripts) && !ofNpm.has(name))).toEqual([]);
  });
});

test("docs/events.md names each event that some part raises, with its level", () => {
  const description = read("src/telemetry/describe.ts");
  const others = files("src").filter((path) => !/telemetry\/describe|core\/events/.test(path));
  const code = others.map(read).join("\n");
  const raised = [...description.matchAll(/case "([\w.]+)":[\s\S]*?level: "(\w+)"/g)]
    .map(([, event = "", level = ""]) => [event, level] as const)
    .filter(([event]) => code.includes(`"${event}"`));
  const told = tableAfter("<!-- events -->", read("docs/events.md")).flatMap(([events = "", level = ""]) =>
    inBackticks(events).map((event) => [event, level] as const),
  );
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(raised));
});

test("pages name no event that there is not", () => {
  const events = [...read("src/telemetry/describe.ts").matchAll(/case "([\w.]+)":/g)].map(([, event = ""]) => event);
  const groups = new Set(events.map((event) => event.split(".")[0]));
  // `server.listen` is an option: these are named as events are.
  const others = new Set(inBackticks(textOf("docs/configuration.md")));
  const named = pages
    .filter((page) => !page.startsWith("docs/decisions") && page !== "docs/configuration.md")
    .flatMap((page) => inBackticks(textOf(page)))
    .filter((name) => /^[a-z]+\.(?!ts$)[a-zA-Z]+$/.test(name) && groups.has(name.split(".")[0]));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !events.includes(name) && !others.has(name))).toEqual([]);
});

test("docs/configuration.md names each variable of the vendors", () => {
  const variables = /"((?:DD|SPLUNK)_\w+)"/g;
  const known = [...read("src/config/vendor.ts").matchAll(variables)].map((match) => match[1] ?? "");
  const told = tableAfter("The vendors' own variables", read("docs/configuration.md")).flatMap(([names = ""]) =>
    inBackticks(names),
  );
  expect([...told].sort()).toEqual([...known].sort());
});

describe("docs/cli.md", () => {
  const page = textOf("docs/cli.md");

  test("names each command", () => {
    const named = inBackticks(page).filter((text) => text.startsWith("tailcar "));
    for (const command of commands) expect(named).toContain(`tailcar ${command}`);
  });

  test("names each flag and argument", () => {
    const named = new Set(inBackticks(page).flatMap((text) => text.split(/[ ,]+/)));
    expect(flags.length).toBeGreaterThan(12);
    expect(flags.filter((flag) => !named.has(flag))).toEqual([]);
  });

  test("names each exit code", () => {
    const codes = tableAfter("## Exit codes", page).map(([code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT).sort((a, b) => a - b));
  });
});

describe("configurations", () => {
  const fine = { code: EXIT.done, stderr: "" };
  const examples = readdirSync(join(root, "config/examples")).map((name) => `config/examples/${name}`);

  test.each(["config/tailcar.yaml", ...examples])("%s passes the check", async (path) => {
    expect(read(path)).toMatch(/^# yaml-language-server: \$schema=(?:\.\.?\/)+schema\.json\n/);
    expect(await check(read(path), { DD_API_KEY: "key", SPLUNK_HEC_TOKEN: "token" })).toEqual(fine);
  });

  test.each(["README.md", "docs/configuration.md"])("those in %s pass the check", async (page) => {
    const whole = blocks("yaml", page).filter((block) => /^sinks:/m.test(block));
    expect(whole.length).toBeGreaterThan(0);
    for (const text of whole) expect(await check(text, { DD_API_KEY: "key" })).toEqual(fine);
  });
});

test("docs/operations.md has the table of the metrics", () => {
  const told = tableAfter("<!-- metrics -->", read("docs/operations.md"));
  const defined = METRICS.map(({ name, type, labels, help }) => {
    return [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(", "), help];
  });
  expect(told).toEqual(defined);
});

describe("docs/architecture.md", () => {
  const page = read("docs/architecture.md");

  test("names each folder of the sources", () => {
    const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const told = [...page.matchAll(/^ {4}src\/(\w+)\/ /gm)].map((match) => match[1] ?? "");
    expect([...told].sort()).toEqual(folders.map(({ name }) => name).sort());
  });

  test("names each kind of change in the journal", () => {
    const [, union = ""] = /type CheckpointChange =([\s\S]*?)};?\n\n/.exec(read("src/core/checkpoint.ts")) ?? [];
    const kinds = [...union.matchAll(/kind: "(\w+)"/g)].map((match) => match[1] ?? "");
    const [, table = ""] = page.split(/^## (?:The journal|What each crash does)$/m);
    const told = [...table.matchAll(/^\| `(\w+)` /gm)].map((match) => match[1] ?? "");
    expect(kinds.length).toBeGreaterThan(3);
    expect([...told].sort()).toEqual([...kinds].sort());
  });
});
