import { pathKey, type ConfigProblem } from "./problems.ts";
import { isRecord, type ConfigTree } from "./tree.ts";

const PATH = ["shutdown", "spillTo"];

/** `shutdown.spillTo` must name a sink, and there must be another one. Works on what was written, as the other checks do. */
export function findSpillProblems(tree: ConfigTree): ConfigProblem[] {
  const { shutdown, sinks } = tree.data;
  const spillTo: unknown = isRecord(shutdown) ? shutdown["spillTo"] : undefined;
  if (typeof spillTo !== "string" || !isRecord(sinks) || tree.broken.has(pathKey(PATH))) return [];
  const names = Object.keys(sinks);
  if (!names.includes(spillTo))
    return [tree.report(PATH, "value", `no sink of this name; known are ${names.join(", ")}`)];
  return names.length > 1 ? [] : [tree.report(PATH, "value", "needs another sink: this one gets only what is spilled")];
}
