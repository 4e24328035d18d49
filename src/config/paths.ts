import { isAbsolute, join, normalize, resolve } from "node:path";
import { escapeGlob } from "../core/paths.ts";
import type { Config } from "./schema.ts";

/** Makes a pattern absolute. The current directory's own name is no pattern. */
export function absolutePattern(pattern: string, cwd: string): string {
  return isAbsolute(pattern) ? normalize(pattern) : join(escapeGlob(cwd), pattern);
}

function absoluteExclude(pattern: string, cwd: string): string {
  if (pattern.startsWith("**/")) return `/${pattern}`;
  return pattern.includes("/") ? absolutePattern(pattern, cwd) : `/**/${pattern}`;
}

/** Makes every path and pattern of a configuration absolute. */
export function resolvePaths(config: Config, cwd: string): Config {
  const sources = Object.entries(config.sources).map(([name, source]) => [
    name,
    {
      ...source,
      include: source.include.map((pattern) => absolutePattern(pattern, cwd)),
      exclude: source.exclude.map((pattern) => absoluteExclude(pattern, cwd)),
      allowedRoots: source.allowedRoots.map((root) => resolve(cwd, root)),
    },
  ]);
  return { ...config, stateDir: resolve(cwd, config.stateDir), sources: Object.fromEntries(sources) };
}
