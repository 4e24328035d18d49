import { isAbsolute, join, normalize, relative, resolve } from "node:path";
import picomatch from "picomatch";
import type { Config } from "./schema.ts";

/** The directory that a glob pattern reads in: its longest part without a wildcard. Of a plain path, its parent. */
export function globRoot(pattern: string): string {
  const { base, glob } = picomatch.scan(pattern);
  const isFile = glob === "" && !pattern.endsWith("/");
  return resolve("/", isFile ? join(base, "..") : base);
}

/** Whether `path` is `directory` or lies under it, by name alone. Both absolute. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith("../"));
}

/** Makes a pattern absolute. The current directory's own name is no pattern. */
export function absolutePattern(pattern: string, cwd: string): string {
  return isAbsolute(pattern) ? normalize(pattern) : join(cwd.replaceAll(/[\\*?[\]{}()!+@]/g, "\\$&"), pattern);
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
