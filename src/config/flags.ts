import { formatPath, type ConfigProblem, type Path } from "./problems.ts";
import type { ConfigTree } from "./tree.ts";

/** The flags of `tailcar run` that stand for a configuration file. */
export interface ConfigFlags {
  readonly include: readonly string[];
  /** Types of sinks; everything else about them comes from their defaults and the vendors' variables. */
  readonly sinks: readonly string[];
  readonly stateDir?: string | undefined;
  readonly format?: string | undefined;
  readonly startAt?: string | undefined;
}

/** Name of the one source that flags make. */
const SOURCE = "files";

const SOURCE_FLAGS: Readonly<Record<string, string>> = {
  include: "--include",
  format: "--format",
  startAt: "--start-at",
};

/** The options that flags stand for. A sink is named after its type. */
export function flagTree({ include, sinks, stateDir, format, startAt }: ConfigFlags): ConfigTree {
  const source = {
    include: [...include],
    ...(format !== undefined && { format }),
    ...(startAt !== undefined && { startAt }),
  };
  const twice = sinks.filter((type, index) => sinks.indexOf(type) < index);
  return {
    data: {
      sources: { [SOURCE]: source },
      sinks: Object.fromEntries(sinks.map((type) => [type, { type }])),
      ...(stateDir !== undefined && { stateDir }),
    },
    problems: [...new Set(twice)].map((type) =>
      flagProblem(["sinks", type, "type"], "given twice; a configuration file gives several sinks of one type names"),
    ),
    broken: new Set(),
    interpolated: new Map(),
    report: (path, _part, message) => flagProblem(path, message),
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
