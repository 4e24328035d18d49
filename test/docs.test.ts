import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { configSchema } from "../src/config/schema.ts";
import { EXIT } from "../src/core/errors.ts";
import { sinkDefinitions } from "../src/sinks/registry.ts";
import { METRICS } from "../src/telemetry/metrics.ts";
import { check } from "./docker/check.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const readme = read("README.md");

const pages: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["docs", "deploy"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

/** The cells of the first table after a text. */
function tableAfter(text: string, page = readme): readonly (readonly string[])[] {
  const [, after] = page.split(text, 2);
  if (after === undefined) throw new Error(`the page has no ${text}`);
  const lines = after.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  return lines.slice(start + 2, start + length).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const inBackticks = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

const blocks = (language: string): readonly string[] =>
  [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].flatMap(([, name, text = ""]) =>
    name === language ? [text] : [],
  );

type Options = Readonly<Record<string, string>>;

type Node = z.core.JSONSchema._JSONSchema;

const schema = z.toJSONSchema(configSchema(sinkDefinitions), { io: "input" });
const general = schema.properties ?? {};

/** What the column `default` says about an option with a default; an empty string for one without. */
function defaultOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") return `\`${value}\``;
  const text = JSON.stringify(value);
  return text === "{}" || text === "[]" ? "none" : `\`${text}\``;
}

function flatten(node: Node, path: string): Options {
  if (typeof node === "boolean") return {};
  if (node.properties === undefined) return { [path]: defaultOf(node.default) };
  const options = Object.entries(node.properties).map(([name, option]) =>
    Object.entries(flatten(option, path === "" ? name : `${path}.${name}`)),
  );
  return Object.fromEntries(options.flat());
}

/** The schema of what a section holds under names of the user's choice. */
function entryOf(section: string): z.core.JSONSchema.BaseSchema {
  const node = general[section];
  const entry = typeof node === "object" ? node.additionalProperties : undefined;
  if (typeof entry !== "object") throw new Error(`no entries in ${section}`);
  return entry;
}

const table = (name: string): Options =>
  Object.fromEntries(
    tableAfter(`<!-- options: ${name} -->`).map(([option = "", value = ""]) => [
      inBackticks(option)[0] ?? option,
      ["required", "–"].includes(value) ? "" : value,
    ]),
  );

const sinks = (entryOf("sinks").oneOf ?? entryOf("sinks").anyOf ?? []).flatMap((sink) =>
  typeof sink === "object" ? [[sink.title ?? "", sink] as const] : [],
);

describe("README's tables of options", () => {
  test("name the general options and their defaults, all and no others", () => {
    const { sources: _sources, sinks: _sinks, ...properties } = general;
    expect(table("general")).toEqual(flatten({ properties }, ""));
  });

  test("name the options of a source", () => {
    expect(table("source")).toEqual(flatten(entryOf("sources"), ""));
  });

  test.each(sinks)("name the options of %s", (title, sink) => {
    const { type: _type, ...options } = flatten(sink, "");
    const shared = "compression" in options ? table("http") : {};
    expect({ ...table(title), ...shared }).toEqual(options);
  });
});

const files = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name));

describe("README", () => {
  test("names each event that some part raises, with its level", () => {
    const description = read("src/telemetry/describe.ts");
    const others = files("src").filter((path) => !/telemetry\/describe|core\/events/.test(path));
    const code = others.map(read).join("\n");
    const raised = [...description.matchAll(/case "([\w.]+)":[\s\S]*?level: "(\w+)"/g)]
      .map(([, event = "", level = ""]) => [event, level] as const)
      .filter(([event]) => code.includes(`"${event}"`));
    const told = tableAfter("## What it logs").flatMap(([events = "", level = ""]) =>
      inBackticks(events).map((event) => [event, level] as const),
    );
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(raised));
  });

  test("names each exit code", () => {
    const codes = tableAfter("A sink that was failing already gets").map(([code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT).sort((a, b) => a - b));
  });

  test("names each variable of the vendors", () => {
    const variables = /"((?:DD|SPLUNK)_\w+)"/g;
    const known = [...read("src/config/vendor.ts").matchAll(variables)].map((match) => match[1] ?? "");
    const told = tableAfter("own variables, which also fill").flatMap(([names = ""]) => inBackticks(names));
    expect([...told].sort()).toEqual([...known].sort());
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

  test("has YAML that parses", () => {
    expect(blocks("yaml").length).toBeGreaterThan(1);
    for (const block of blocks("yaml")) expect(() => parse(block) as unknown).not.toThrow();
  });
});

describe("pages", () => {
  test.each(pages)("%s links to files that exist", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(resolve(root, dirname(page), link)))).toEqual([]);
  });
});

describe("configurations", () => {
  const fine = { code: EXIT.done, stderr: "" };
  const examples = readdirSync(join(root, "config/examples")).map((name) => `config/examples/${name}`);

  test.each(["config/tailcar.yaml", ...examples])("%s passes the check", async (path) => {
    expect(read(path)).toMatch(/^# yaml-language-server: \$schema=(?:\.\.?\/)+schema\.json\n/);
    expect(await check(read(path), { DD_API_KEY: "key", SPLUNK_HEC_TOKEN: "token" })).toEqual(fine);
  });

  test("those in README pass the check", async () => {
    const whole = blocks("yaml").filter((block) => /^sinks:/m.test(block));
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
