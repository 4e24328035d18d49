import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../src", import.meta.url));

/** Folders that know only `core` and themselves. What is not among them (the agent, the commands) wires them together. */
const STAGES = new Set([
  "files",
  "records",
  "reading",
  "transforms",
  "pipeline",
  "sinks",
  "checkpoint",
  "telemetry",
  "config",
]);

/** What a stage may import beside `core` and itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  config: ["transforms"],
  reading: ["files", "records"],
};

const MAX_LINES = 200;

interface Source {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  /** Paths under src that it imports, types included. */
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .sort()
  .map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, folder: folderOf(path), text, imports: importsOf(path, text) };
  });

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

/** The targets of static and dynamic imports and of re-exports; those of packages, our own manifest too, are left out. */
function importsOf(path: string, text: string): readonly string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]*)"/g)].map((match) => match[1] ?? "");
  const targets = specifiers.map((specifier) => relative(root, join(root, dirname(path), specifier)));
  return targets.filter((target) => target !== "../package.json");
}

/** Code without its comments: rules about what a file does are not about what it says. */
const codeOf = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(?<![:"'])\/\/.*$/gm, "");

/** Files whose code matches. */
const usersOf = (pattern: RegExp): readonly string[] =>
  sources.filter(({ text }) => pattern.test(codeOf(text))).map(({ path }) => path);

/** Chains of imports that lead back to where they began. */
function cycles(): readonly string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, chain: readonly string[]): void => {
    if (chain.includes(path)) found.push([...chain.slice(chain.indexOf(path)), path].join(" -> "));
    else if (!finished.has(path)) {
      for (const next of byPath.get(path)?.imports ?? []) visit(next, [...chain, path]);
      finished.add(path);
    }
  };
  for (const { path } of sources) visit(path, []);
  return found;
}

describe("the source tree", () => {
  test("is read by this test", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.find(({ path }) => path === "agent.ts")?.imports).toContain("checkpoint/journal.ts");
  });

  test("every import leads to a file that exists", () => {
    const known = new Set(sources.map(({ path }) => path));
    const dangling = sources.flatMap(({ path, imports }) =>
      imports.filter((target) => !known.has(target)).map((target) => `${path} -> ${target}`),
    );
    expect(dangling).toEqual([]);
  });

  test("core imports nothing of the project", () => {
    const outside = sources
      .filter(({ folder }) => folder === "core")
      .flatMap(({ path, imports }) =>
        imports.filter((target) => folderOf(target) !== "core").map((target) => `${path} -> ${target}`),
      );
    expect(outside).toEqual([]);
  });

  test("a stage imports only core and its own folder", () => {
    const outside = sources
      .filter(({ folder }) => STAGES.has(folder))
      .flatMap(({ path, folder, imports }) => {
        const allowed = new Set(["core", folder, ...(ALLOWED[folder] ?? [])]);
        return imports.filter((target) => !allowed.has(folderOf(target))).map((target) => `${path} -> ${target}`);
      });
    expect(outside).toEqual([]);
  });

  test("nothing imports the agent or a command but what stands above them", () => {
    const upwards = sources
      .filter(({ folder }) => folder !== "" && folder !== "commands")
      .flatMap(({ path, imports }) =>
        imports.filter((target) => ["", "commands"].includes(folderOf(target))).map((target) => `${path} -> ${target}`),
      );
    expect(upwards).toEqual([]);
  });

  test("imports make no cycle", () => {
    expect(cycles()).toEqual([]);
  });

  test("only the command line ends the process", () => {
    expect(usersOf(/\bprocess\.(?:exit\b|exitCode\b|abort\b|kill\b)/)).toEqual(["cli.ts"]);
  });

  test("time, randomness and the environment are reached only where they enter", () => {
    const direct = usersOf(/\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.env\b|\bperformance\.now\b/);
    const outside = direct.filter(
      (path) => path !== "core/clock.ts" && path !== "cli.ts" && folderOf(path) !== "commands",
    );
    expect(outside).toEqual([]);
  });

  test("a file over 200 lines says in its first comment why it is long", () => {
    const long = sources
      .filter(({ text }) => text.split("\n").length - 1 > MAX_LINES)
      .filter(({ text }) => !/^(?:#!.*\n)?\s*(?:\/\/|\/\*).*\blong\b/is.test(text.split("\n").slice(0, 6).join("\n")))
      .map(({ path, text }) => `${path}: ${text.split("\n").length - 1} lines`);
    expect(long).toEqual([]);
  });
});
