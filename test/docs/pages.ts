import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Paths of all pages, relative to the root of the project. */
export const pages: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["docs", "deploy"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

/** The cells of the first table after a text. */
export function tableAfter(text: string, page: string): readonly (readonly string[])[] {
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

export const inBackticks = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");

/** The blocks of code of a page in a language. */
export const blocks = (language: string, page: string): readonly string[] =>
  [...read(page).matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].flatMap(([, name, text = ""]) =>
    name === language ? [text] : [],
  );

/** A page without its blocks of code. */
export const textOf = (page: string): string => read(page).replaceAll(/^```[\s\S]*?^```/gm, "");

/** The headings of a page as GitHub makes anchors of them. */
export const anchorsIn = (page: string): readonly string[] =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );

interface Link {
  /** Relative to the root of the project. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The links of a page that lead to files of the project. */
export const linksIn = (page: string): readonly Link[] =>
  [...read(page).matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)]
    .map(([, link = "", anchor]) => ({ link, anchor }))
    .filter(({ link }) => !/^[a-z]+:/.test(link))
    .map(({ link, anchor }) => ({
      path: link === "" ? page : relative(root, resolve(root, dirname(page), link)),
      anchor,
    }));

const cli = read("src/cli.ts");

/** The commands of the command line, hidden ones too. */
export const commands: readonly string[] = [...cli.matchAll(/\.command\("([\w-]+)"/g)].map(
  ([, command = ""]) => command,
);

/** All flags and arguments of the commands: `-c`, `--config`, `[file]`. */
export const flags: readonly string[] = [
  ...cli.matchAll(/(?:\.\w*[oO]ption|new Option|\.argument)\(\s*"([^"]+)"/g),
].flatMap(([, text = ""]) => text.split(/,? /).filter((word) => !word.startsWith("<")));
