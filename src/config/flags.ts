import { formatPath, type ConfigProblem, type Path } from "./problems.ts";
import { DEFAULT_STATE_DIR } from "./schema.ts";
import type { ConfigTree } from "./tree.ts";

/** The flags of `tailcar run` that stand for a configuration file. */
export interface ConfigFlags {
  readonly include: readonly string[];
  readonly stdin?: boolean | undefined;
  /** Types of sinks; everything else about them comes from their defaults and the vendors' variables. */
  readonly sinks: readonly string[];
  readonly stateDir?: string | undefined;
  readonly format?: string | undefined;
  readonly startAt?: string | undefined;
}

/** Names of the sources that flags make. */
const FILES = "files";
const STDIN = "stdin";

const SOURCE_FLAGS: Readonly<Record<string, string>> = {
  include: "--include",
  format: "--format",
  startAt: "--start-at",
};

/** The options that flags stand for. A sink is named after its type. */
export function flagTree({ include, stdin, sinks, stateDir, format, startAt }: ConfigFlags): ConfigTree {
  const settings = { ...(format !== undefined && { format }), ...(startAt !== undefined && { startAt }) };
  const sources = {
    ...(stdin === true && { [STDIN]: { stdin, ...settings } }),
    ...((include.length > 0 || stdin !== true) && { [FILES]: { include: [...include], ...settings } }),
  };
  const twice = sinks.filter((type, index) => sinks.indexOf(type) < index);
  return {
    data: {
      sources,
      sinks: Object.fromEntries(sinks.map((type) => [type, { type }])),
      ...(stateDir !== undefined && { stateDir }),
    },
    problems: [...new Set(twice)].map((type) =>
      flagProblem(["sinks", type, "type"], "given twice; a configuration file gives several sinks of one type names"),
    ),
    broken: new Set(),
    interpolated: new Map(),
    report: (path, _part, message) => {
      const problem = flagProblem(path, message);
      // Who did not give the flag does not know the directory.
      const isDefault = problem.file === "--state-dir" && stateDir === undefined;
      return isDefault ? { ...problem, file: `--state-dir (default ${DEFAULT_STATE_DIR})` } : problem;
    },
    nameOf: (path) => flagProblem(path, "").file,
  };
}

function flagProblem(path: Path, message: string): ConfigProblem {
  const at = (file: string, rest: Path): ConfigProblem => ({
    file,
    line: 0,
    column: 0,
    path: formatPath(rest),
    message,
  });
  const [section, name, option] = path.map(String);
  if (section === "stateDir") return at("--state-dir", []);
  if (section === "sources") return at(SOURCE_FLAGS[option ?? ""] ?? "--include", []);
  if (section !== "sinks") return at("", path);
  if (name === undefined) return at("--sink", []);
  return at(`--sink ${name}`, option === "type" ? [] : path.slice(2));
}
