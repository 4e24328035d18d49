import { describe, expect, test } from "vitest";
import { z } from "zod";
import { fill, PAGES, placesIn, tables } from "../../docs/generate.ts";
import { configSchema } from "../../src/config/schema.ts";
import { sinkDefinitions } from "../../src/sinks/registry.ts";
import { inBackticks, read, tableAfter } from "./pages.ts";

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

const optionPages = PAGES.map(read).join("\n");

/** Options with their defaults. A row that only heads those below it is none. */
function table(name: string): Options {
  const rows = tableAfter(`<!-- options: ${name} -->`, optionPages);
  const paths = rows.map(([option = ""]) => inBackticks(option)[0] ?? option);
  return Object.fromEntries(
    rows.flatMap(([, , value = ""], index) => {
      const path = paths[index] ?? "";
      if (paths.some((other) => other.startsWith(`${path}.`))) return [];
      return [[path, value === "required" ? "" : value]];
    }),
  );
}

const sinks = (entryOf("sinks").oneOf ?? entryOf("sinks").anyOf ?? []).flatMap((sink) =>
  typeof sink === "object" ? [[sink.title ?? "", sink] as const] : [],
);

describe("the tables of options", () => {
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
    expect({ ...table(title), ...shared, ...table("every sink") }).toEqual(options);
  });

  test("each have one place", () => {
    expect(PAGES.map(read).flatMap(placesIn).sort()).toEqual([...tables().keys()].sort());
  });

  test.each(PAGES)("of %s are what `npm run docs` makes", (page) => {
    expect(read(page)).toBe(fill(read(page)));
  });
});

test("docs/transforms.md names each transform, each of its options and each operator of a condition", () => {
  const transforms = general["transforms"];
  const entry = typeof transforms === "object" ? transforms.items : undefined;
  if (typeof entry !== "object" || Array.isArray(entry)) throw new Error("no transforms");
  const names = Object.keys(flatten(entry, "")).flatMap((path) => path.split("."));
  const page = read("docs/transforms.md");
  expect(names.length).toBeGreaterThan(20);
  expect([...new Set(names)].filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
});
