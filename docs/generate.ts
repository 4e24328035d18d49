/**
 * Writes the tables of options into the pages that have a place for them: `npm run docs`. Type, default and meaning come from
 * the schema of the configuration. A test fails while a page is not what this makes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { configSchema } from "../src/config/schema.ts";
import { vendorVariable } from "../src/config/vendor.ts";
import { httpOptions } from "../src/sinks/http/config.ts";
import { sinkDefinitions } from "../src/sinks/registry.ts";

/** The pages with tables, relative to the root of the project. */
export const PAGES = ["docs/configuration.md", "docs/sinks.md"];

type Node = z.core.JSONSchema.BaseSchema;

/** Paths of options, as `shutdown.timeout`, with their schemas, parents before their children. */
type Options = ReadonlyMap<string, Node>;

/** Texts that only the schema's own check tells from others: what it takes shows which kind it is. */
const KINDS: readonly (readonly [kind: string, samples: readonly string[]])[] = [
  ["duration", ["1h"]],
  ["size", ["1MB", "1GiB"]],
];

const schema = z.toJSONSchema(configSchema(sinkDefinitions), {
  io: "input",
  override: ({ zodSchema, jsonSchema }) => {
    const takes = (text: string): boolean => z.safeParse(zodSchema, text).success;
    if (jsonSchema.type !== "string" || takes("x")) return;
    const kind = KINDS.find(([, samples]) => samples.some(takes));
    if (kind !== undefined) jsonSchema.format = kind[0];
  },
});

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null;

function optionsOf(node: Node, parent = ""): Options {
  const options = Object.entries(node.properties ?? {}).flatMap(([name, option]) => {
    if (!isNode(option)) return [];
    const path = `${parent}${name}`;
    return [[path, option] as const, ...optionsOf(option, `${path}.`)];
  });
  return new Map(options);
}

/** The schema of what a section holds under names of the user's choice. */
function entryOf(section: string): Node {
  const node = schema.properties?.[section];
  const entry = isNode(node) ? node.additionalProperties : undefined;
  if (!isNode(entry)) throw new Error(`no entries in ${section}`);
  return entry;
}

const SHARED = Object.keys(httpOptions);

const isShared = (path: string): boolean => SHARED.includes(path.split(".")[0] ?? "");

const without = (options: Options, isLeftOut: (path: string) => boolean): Options =>
  new Map([...options].filter(([path]) => !isLeftOut(path)));

/** The tables by the names that the pages have for them. */
export function tables(): ReadonlyMap<string, string> {
  const { sources: _sources, sinks: _sinks, ...properties } = schema.properties ?? {};
  const made = new Map([
    ["general", table(optionsOf({ properties }))],
    ["source", table(optionsOf(entryOf("sources")))],
  ]);
  for (const sink of entryOf("sinks").oneOf ?? []) {
    if (!isNode(sink)) continue;
    const options = without(optionsOf(sink), (path) => path === "type" || path.startsWith("retry"));
    made.set(String(sink.title), table(without(options, isShared), sink));
    if (options.has("compression")) made.set("http", table(without(options, (path) => !isShared(path))));
    made.set("every sink", table(without(optionsOf(sink), (path) => !path.startsWith("retry"))));
  }
  return made;
}

function table(options: Options, sink: Node = {}): string {
  const rows = [...options].map(([path, node]) => {
    const isRequired = sink.required?.includes(path) === true && node.default === undefined;
    const variable = vendorVariable(["sinks", "x", path], sink.title);
    const meaning = `${escape(node.description ?? "")}${variable === undefined ? "" : ` Or the variable \`${variable}\`.`}`;
    return `| \`${path}\` | ${typeOf(node)} | ${isRequired ? "required" : defaultOf(node)} | ${meaning} |`;
  });
  return ["| option | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function typeOf(node: Node): string {
  const { anyOf, type, format } = node;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (anyOf !== undefined) return anyOf.flatMap((member) => (isNode(member) ? [typeOf(member)] : [])).join(", or ");
  if (node.writeOnly === true) return "secret";
  if (type === "string") return format ?? "text";
  return { array: "list", object: "mapping", integer: "number" }[String(type)] ?? String(type);
}

function defaultOf({ default: value, properties }: Node): string {
  if (value === undefined || properties !== undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === "{}" || text === "[]" ? "none" : `\`${text}\``;
}

/** Plain words as Markdown. */
const escape = (text: string): string =>
  text
    .replaceAll(/[\\*_<|[\]`]/g, String.raw`\$&`)
    .replaceAll(/(\d{5,})B\b/g, (_, bytes: string) => `${Number(bytes).toLocaleString("en-US")} B`);

const PLACE = /(<!-- options: ([\w ]+) -->\n<!-- prettier-ignore-start -->\n)[\s\S]*?(<!-- prettier-ignore-end -->)/g;

/** The names of the tables that a page has a place for. */
export const placesIn = (page: string): readonly string[] => [...page.matchAll(PLACE)].map(([, , name = ""]) => name);

/** A page with its tables made anew. */
export function fill(page: string): string {
  const made = tables();
  return page.replaceAll(PLACE, (_, start: string, name: string, end: string) => {
    const text = made.get(name);
    if (text === undefined) throw new Error(`there are no options of ${name}`);
    return `${start}\n${text}\n\n${end}`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of PAGES) {
    const path = fileURLToPath(new URL(`../${page}`, import.meta.url));
    writeFileSync(path, fill(readFileSync(path, "utf8")));
  }
}
