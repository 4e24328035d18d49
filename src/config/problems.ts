/** One thing that is wrong with the configuration, and where. Messages never hold the value of a secret or of an interpolated option. */
export interface ConfigProblem {
  /** The file's name as it was given, or the flag (`--sink datadog`). */
  readonly file: string;
  /** Counted from 1; 0 where there is no position: a flag, or a file that could not be read. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units; 0 where there is no position. */
  readonly column: number;
  /** The option, like `sources.app.include[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Keys from the root to an option; numbers are positions in a list. */
export type Path = readonly PropertyKey[];

/** What of an option is wrong: its name or its value. */
export type Part = "key" | "value";

/** `tailcar.yaml:12:5: sinks.datadog.siet: unknown option; did you mean "site"?` */
export function formatProblem(problem: ConfigProblem): string {
  const where = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return [where, problem.path, problem.message].filter((part) => part !== "").join(": ");
}

/** A path as the key of a map. */
export const pathKey = (path: Path): string => JSON.stringify(path.map(String));

export function formatPath(path: Path): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? showKey(String(key)) : `.${showKey(String(key))}`;
  }
  return text;
}

/**
 * A key as it may be printed: only its leading name characters. In a flow mapping `{apiKey:abc}` is a key named
 * `apiKey:abc`, so what follows a name may be a secret.
 */
export function showKey(key: string): string {
  const name = /^[\w./-]{0,64}/.exec(key)?.[0] ?? "";
  return name === key && name !== "" ? name : `${name}…`;
}

export const byPosition = (a: ConfigProblem, b: ConfigProblem): number => a.line - b.line || a.column - b.column;
