import { nearest } from "./nearest.ts";
import type { ConfigProblem } from "./problems.ts";
import { isRecord, type ConfigTree } from "./tree.ts";

/** Transforms name the sources they apply to. Works on what was written, so that it is found together with every other problem. */
export function findUnknownSources(tree: ConfigTree): ConfigProblem[] {
  const { sources, transforms } = tree.data;
  if (!isRecord(sources) || !Array.isArray(transforms)) return [];
  const known = Object.keys(sources);
  return transforms.flatMap((transform: unknown, index) => {
    const names: unknown = isRecord(transform) ? transform["sources"] : undefined;
    if (!Array.isArray(names)) return [];
    return names.flatMap((name: unknown, position) => {
      if (typeof name !== "string" || name === "" || known.includes(name)) return [];
      const near = nearest(name, known);
      const hint = near === undefined ? `the sources are ${known.join(", ")}` : `did you mean "${near}"?`;
      return [tree.report(["transforms", index, "sources", position], "value", `no such source; ${hint}`)];
    });
  });
}
