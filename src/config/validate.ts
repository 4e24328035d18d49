import { z } from "zod";
import type { SinkDefinition } from "../core/sink-definition.ts";
import { describeIssue, findings, kindOf, type Finding } from "./issues.ts";
import { nearest } from "./nearest.ts";
import { pathKey, showKey, type ConfigProblem, type Path } from "./problems.ts";
import { configSchema, type Config } from "./schema.ts";
import { replaceAt, valueAt, type ConfigTree, type Interpolated } from "./tree.ts";
import { vendorVariable } from "./vendor.ts";

interface Parsed {
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
  /** The options that an object knows, by the list of those that it did not. */
  readonly known: ReadonlyMap<readonly string[], readonly string[]>;
}

export interface Validated {
  readonly config: Config | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** Checks the options against the schema. All that is wrong is reported, in the order the schema finds it. */
export function validate(tree: ConfigTree, sinks: readonly SinkDefinition[]): Validated {
  const schema = configSchema(sinks);
  const first = parse(schema, tree.data);
  const retyped = first.findings.filter((finding) => readAsText(finding, tree));
  const parsed = retyped.length === 0 ? first : parse(schema, tree.data);
  const problems = parsed.findings.flatMap((finding) => report(finding, tree, parsed));
  const stillWrong = new Set(parsed.findings.map(({ path }) => pathKey(path)));
  for (const { path, issue } of retyped) {
    if (stillWrong.has(pathKey(path)) || tree.interpolated.has(pathKey(path))) continue;
    const got = kindOf(issue.input);
    problems.push(tree.report(path, "value", `expected a string, got ${got}; put it in quotes`));
  }
  return { config: problems.length === 0 ? parsed.config : undefined, problems };
}

function parse(schema: ReturnType<typeof configSchema>, data: unknown): Parsed {
  const known = new Map<readonly string[], readonly string[]>();
  const result = schema.safeParse(data, {
    reportInput: true,
    // An empty message marks an issue whose schema has no words of its own: they are found later, with more at hand.
    error: (issue) => {
      if (issue.code === "unrecognized_keys" && issue.inst instanceof z.ZodObject) {
        known.set(issue.keys, Object.keys(issue.inst.shape));
      }
      return "";
    },
  });
  const found = result.error?.issues.flatMap((issue) => findings(issue)) ?? [];
  return { config: result.data, findings: found, known };
}

/**
 * Where a string is expected and YAML reads a number or a boolean, the option is tried as text. For a value from
 * outside that is what was meant (`version: ${VERSION}` with 1.10); for a written one it leads to the schema's own
 * words (`grace: 60` has no unit). Returns whether the text was put in place.
 */
function readAsText({ path, issue }: Finding, tree: ConfigTree): boolean {
  if (issue.code !== "invalid_type" || issue.expected !== "string") return false;
  const value = valueAt(tree.data, path);
  const isRetypable = typeof value === "number" || typeof value === "boolean";
  const text = tree.interpolated.get(pathKey(path))?.text ?? (isRetypable ? String(value) : undefined);
  if (text === undefined || typeof value === "string") return false;
  replaceAt(tree.data, path, text);
  return true;
}

function report(finding: Finding, tree: ConfigTree, parsed: Parsed): ConfigProblem[] {
  const { path, issue } = finding;
  if (isConsequence(path, tree)) return [];
  if (issue.code === "unrecognized_keys") {
    const known = parsed.known.get(issue.keys) ?? [];
    return issue.keys.map((key) => tree.report([...path, key], "key", unknownOption(key, known)));
  }
  const value = valueAt(tree.data, path);
  const origin = originOf(path, tree);
  if (issue.message !== "") {
    return [tree.report(path, "value", withSource(hideValues(issue.message, path, tree), origin))];
  }
  const message = describeIssue(finding, value, origin === undefined);
  const part = issue.code === "invalid_key" ? "key" : "value";
  return [tree.report(path, part, withSource(message, origin) + missingHint(path, value, tree))];
}

/** Whether reading the option, or something it stands in, went wrong already. */
const isConsequence = (path: Path, tree: ConfigTree): boolean =>
  path.some((_, index) => tree.broken.has(pathKey(path.slice(0, index + 1))));

function unknownOption(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== undefined) return `unknown option; did you mean "${near}"?`;
  if (showKey(key) !== key) return "unknown option; is a space missing after its colon?";
  return known.length === 0 ? "unknown option" : `unknown option; known are ${known.join(", ")}`;
}

/** The outside source of an option or of what it stands in. */
function originOf(path: Path, tree: ConfigTree): Interpolated | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const origin = tree.interpolated.get(pathKey(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

const withSource = (message: string, origin: Interpolated | undefined): string =>
  origin?.variable === undefined ? message : `${message} (from ${origin.variable})`;

function missingHint(path: Path, value: unknown, tree: ConfigTree): string {
  const variable =
    value === undefined ? vendorVariable(path, valueAt(tree.data, ["sinks", path[1] ?? "", "type"])) : undefined;
  return variable === undefined ? "" : `, here or in the variable ${variable}`;
}

/** A schema's own words may quote what it was given; nothing that came from outside is shown. */
function hideValues(message: string, path: Path, tree: ConfigTree): string {
  let shown = message;
  for (const origin of tree.interpolated.values()) {
    const shared = Math.min(path.length, origin.path.length);
    if (pathKey(path.slice(0, shared)) !== pathKey(origin.path.slice(0, shared))) continue;
    for (const value of [origin.text, ...origin.values]) {
      if (value !== "") shown = shown.replaceAll(value, "[hidden]");
    }
  }
  return shown;
}
