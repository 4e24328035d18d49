import type { SinkDefinition } from "../core/sink-definition.ts";
import { readDocument } from "./document.ts";
import { flagTree, type ConfigFlags } from "./flags.ts";
import type { InterpolationSource } from "./interpolate.ts";
import { isSecretOption } from "./json-schema.ts";
import { findOverlaps } from "./overlap.ts";
import { findUnknownSources } from "./source-names.ts";
import { resolvePaths } from "./paths.ts";
import { byPosition, type ConfigProblem, type Path } from "./problems.ts";
import type { Config, SinkConfig } from "./schema.ts";
import { bindSecrets } from "./secrets.ts";
import { findSpillProblems } from "./spill.ts";
import type { ConfigTree, Interpolated } from "./tree.ts";
import { validate } from "./validate.ts";
import { applyVendorVariables } from "./vendor.ts";

export { formatProblem, type ConfigProblem } from "./problems.ts";

/** What a configuration is read from, besides its own text. */
export interface ConfigWorld extends InterpolationSource {
  readonly sinks: readonly SinkDefinition[];
}

export interface ConfigFile extends ConfigWorld {
  readonly text: string;
  /** The file's name, for problems. */
  readonly file: string;
}

export type LoadResult =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Options that came from outside, by `pathKey`: what must not be shown, and how it was written. */
      readonly interpolated: ReadonlyMap<string, Interpolated>;
      /** Says where an option was written. */
      readonly report: (path: Path, message: string) => ConfigProblem;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Reads a configuration file. Every problem is reported at once, in the order of the file. */
export function loadConfig(input: ConfigFile): LoadResult {
  const document = readDocument(input.text, input.file, input, (path) => isSecretOption(path, input.sinks));
  return document.ok ? finish(document.tree, input) : document;
}

/** Makes a configuration without a file; the same validation, and problems name the flag. */
export const configFromFlags = (flags: ConfigFlags, world: ConfigWorld): LoadResult => finish(flagTree(flags), world);

function finish(tree: ConfigTree, world: ConfigWorld): LoadResult {
  applyVendorVariables(tree, world.env, world.sinks);
  const validated = validate(tree, world.sinks);
  const problems = [
    ...tree.problems,
    ...validated.problems,
    ...findOverlaps(tree, world.cwd),
    ...findSpillProblems(tree),
    ...findUnknownSources(tree),
  ];
  if (validated.config === undefined || problems.length > 0) return { ok: false, problems: problems.sort(byPosition) };
  const resolved = resolvePaths(validated.config, world.cwd);
  return {
    ok: true,
    config: { ...resolved, sinks: bindSinks(resolved.sinks, tree, world) },
    interpolated: tree.interpolated,
    report: (path, message) => tree.report(path, "value", message),
  };
}

function bindSinks(sinks: Config["sinks"], tree: ConfigTree, world: ConfigWorld): Record<string, SinkConfig> {
  const bound = Object.entries(sinks).map(([name, { type, retry, options }]) => {
    const entries = Object.entries(options).map(([option, value]) => [
      option,
      bindSecrets(value, ["sinks", name, option], tree.interpolated, world),
    ]);
    return [name, { type, retry, options: Object.fromEntries(entries) }];
  });
  return Object.fromEntries(bound);
}
