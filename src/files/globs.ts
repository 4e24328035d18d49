import { sep } from "node:path";
import picomatch from "picomatch";
import { globRoot } from "../core/paths.ts";

/** What a source's `include` and `exclude` patterns mean. */
export interface Globs {
  /** The directories above the first wildcard of each include pattern: where to look, and the borders of confinement. */
  readonly roots: readonly string[];
  /** Whether an absolute path is included and not excluded. */
  readonly matches: (path: string) => boolean;
  /** Whether an absolute path is excluded, whatever is included. */
  readonly excludes: (path: string) => boolean;
  /** How many directory levels below `root` can hold a match. */
  depthBelow(root: string): number;
}

/** Compiles absolute glob patterns. */
export function compileGlobs(include: readonly string[], exclude: readonly string[]): Globs {
  const included = picomatch([...include]);
  const excluded = exclude.length === 0 ? () => false : picomatch([...exclude]);
  const bases = include.map((pattern) => ({ root: globRoot(pattern), depth: depthOf(pattern) }));
  return {
    roots: [...new Set(bases.map((base) => base.root))],
    excludes: excluded,
    matches: (path) => included(path) && !excluded(path),
    depthBelow: (root) => Math.max(...bases.filter((base) => base.root === root).map((base) => base.depth)),
  };
}

function depthOf(pattern: string): number {
  const { glob } = picomatch.scan(pattern);
  // An extglob or brace may hold a separator of its own, so only a plain pattern bounds the depth.
  return /\*\*|[({]/.test(glob) ? Number.POSITIVE_INFINITY : glob.split(sep).length - 1;
}
