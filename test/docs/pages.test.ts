import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { anchorsIn, blocks, commands, flags, linksIn, pages, root } from "./pages.ts";

test.each(pages)("%s links to files and headings that exist", (page) => {
  const broken = linksIn(page).filter(({ path, anchor }) => {
    if (!existsSync(join(root, path))) return true;
    return anchor !== undefined && statSync(join(root, path)).isFile() && !anchorsIn(path).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test("docs/README.md leads to each page of docs", () => {
  const led = new Set(linksIn("docs/README.md").map(({ path }) => path));
  const written = pages.filter((page) => /^docs\/[\w-]+\.md$/.test(page) && page !== "docs/README.md");
  expect(written.filter((page) => !led.has(page))).toEqual([]);
});

test.each(pages)("%s has YAML that parses", (page) => {
  for (const block of blocks("yaml", page)) {
    // A block may show the same key several times, as alternatives.
    expect(() => parse(block, { uniqueKeys: false }) as unknown).not.toThrow();
  }
});

test("commands and flags that are shown exist", () => {
  const lines = pages
    .flatMap((page) => blocks("sh", page))
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .flatMap((line) => [...line.matchAll(/(?:^|\| )tailcar ([\w-]+)([^|#]*)/g)]);
  expect(lines.length).toBeGreaterThan(15);
  const unknown = lines.filter(([, command = "", rest = ""]) => {
    const given = [...rest.matchAll(/(?<=\s)--?[a-z][\w-]*/g)].map(([flag]) => flag);
    return !commands.includes(command) || given.some((flag) => !flags.includes(flag));
  });
  expect(unknown.map(([line]) => line)).toEqual([]);
});
