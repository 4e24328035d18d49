import { z } from "zod";
import type { SinkDefinition } from "../core/sink-definition.ts";
import { pathKey, type Path } from "./problems.ts";
import { isRecord, type ConfigTree } from "./tree.ts";

/** The vendors' own variables, by the option they fill when it is absent. */
const RESOURCE_VARIABLES: Readonly<Record<string, string>> = {
  service: "DD_SERVICE",
  env: "DD_ENV",
  version: "DD_VERSION",
};

const SINK_VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  datadog: { apiKey: "DD_API_KEY", site: "DD_SITE", tags: "DD_TAGS" },
  splunkHec: { endpoint: "SPLUNK_HEC_URL", token: "SPLUNK_HEC_TOKEN" },
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Fills absent options from the vendors' variables. An option that is written down wins, even when it is wrong. */
export function applyVendorVariables(tree: ConfigTree, env: Environment, definitions: readonly SinkDefinition[]): void {
  if (!Object.hasOwn(tree.data, "resource")) tree.data["resource"] = {};
  fill(tree, ["resource"], tree.data["resource"], RESOURCE_VARIABLES, env);
  const { sinks } = tree.data;
  if (!isRecord(sinks)) return;
  for (const [name, sink] of Object.entries(sinks)) {
    const definition = isRecord(sink) ? definitions.find(({ type }) => type === sink["type"]) : undefined;
    if (definition === undefined) continue;
    const variables = Object.entries(SINK_VARIABLES[definition.type] ?? {});
    const known = variables.filter(([option]) => option in definition.schema.shape);
    fill(tree, ["sinks", name], sink, Object.fromEntries(known), env, definition);
  }
}

/** The variable that could have filled a missing option. */
export function vendorVariable(path: Path, sinkType: unknown): string | undefined {
  const [section, name, option] = path.map(String);
  if (section !== "sinks" || name === undefined || option === undefined || path.length !== 3) return undefined;
  return SINK_VARIABLES[String(sinkType)]?.[option];
}

/** Whether an option of a sink can be filled from outside. */
export const isVendorOption = (sinkType: string, option: string): boolean =>
  SINK_VARIABLES[sinkType]?.[option] !== undefined;

function fill(
  tree: ConfigTree,
  path: Path,
  options: unknown,
  variables: Readonly<Record<string, string>>,
  env: Environment,
  definition?: SinkDefinition,
): void {
  if (!isRecord(options)) return;
  for (const [option, variable] of Object.entries(variables)) {
    const text = env[variable];
    if (text === undefined || text === "" || Object.hasOwn(options, option)) continue;
    const takesList = definition !== undefined && isList(definition.schema.shape[option]);
    options[option] = takesList ? text.split(/[\s,]+/).filter((part) => part !== "") : text;
    const at = [...path, option];
    tree.interpolated.set(pathKey(at), { path: at, template: `\${${variable}}`, text, values: [text], variable });
  }
}

/** DD_TAGS separates its tags by commas or spaces; an option that is a list gets them apart. */
function isList(schema: unknown): boolean {
  let inner = schema;
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap();
  }
  return inner instanceof z.ZodArray;
}
