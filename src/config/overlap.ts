import { resolve } from "node:path";
import { globRoot, isWithin } from "../core/paths.ts";
import { absolutePattern } from "./paths.ts";
import { pathKey, type ConfigProblem, type Path } from "./problems.ts";
import { DEFAULT_STATE_DIR } from "./schema.ts";
import { isRecord, type ConfigTree } from "./tree.ts";

/**
 * The agent must never read its own state, and a compromised application must not reach it: `stateDir` and the
 * directories that are read may not contain each other. Works on what was written, so that it is found together with
 * every other problem. Symbolic links are looked through only where a file system is at hand.
 */
export function findOverlaps(tree: ConfigTree, cwd: string): ConfigProblem[] {
  const written = tree.data["stateDir"] ?? DEFAULT_STATE_DIR;
  if (typeof written !== "string" || written === "" || tree.broken.has(pathKey(["stateDir"]))) return [];
  const stateDir = resolve(cwd, written);
  const conflict = includePatterns(tree).find(({ pattern }) => {
    const root = globRoot(absolutePattern(pattern, cwd));
    return isWithin(stateDir, root) || isWithin(root, stateDir);
  });
  if (conflict === undefined) return [];
  const where = tree.nameOf(conflict.path);
  return [
    tree.report(
      ["stateDir"],
      "value",
      `must lie apart from the directory that ${where} reads, neither in it nor around it`,
    ),
  ];
}

/** The include patterns as they were written, as far as they are text. */
function includePatterns(tree: ConfigTree): { path: Path; pattern: string }[] {
  const { sources } = tree.data;
  if (!isRecord(sources)) return [];
  return Object.entries(sources).flatMap(([name, source]) => {
    const include: unknown = isRecord(source) ? source["include"] : undefined;
    if (!Array.isArray(include)) return [];
    return include.flatMap((pattern: unknown, index) =>
      typeof pattern === "string" && pattern !== "" ? [{ path: ["sources", name, "include", index], pattern }] : [],
    );
  });
}
