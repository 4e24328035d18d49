import { join, relative, resolve } from "node:path";
import picomatch from "picomatch";

/** The directory that a glob pattern reads in: its longest part without a wildcard. Of a plain path, its parent. */
export function globRoot(pattern: string): string {
  const { base, glob } = picomatch.scan(pattern);
  const isFile = glob === "" && !pattern.endsWith("/");
  return resolve("/", isFile ? join(base, "..") : base);
}

/** A path as a pattern that matches it and nothing else. */
export const escapeGlob = (path: string): string => path.replaceAll(/[\\*?[\]{}()!+@]/g, "\\$&");

/** Whether `path` is `directory` or lies under it, by name alone. Both absolute. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || (way !== ".." && !way.startsWith("../"));
}
