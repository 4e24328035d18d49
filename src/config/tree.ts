import type { ConfigProblem, Part, Path } from "./problems.ts";

/** The options as they were written, whatever they were written in: a file or flags. */
export interface ConfigTree {
  /** Plain data, before validation. Mutable: absent options are filled from vendors' variables. */
  readonly data: Record<string, unknown>;
  /** What was found wrong while reading. */
  readonly problems: ConfigProblem[];
  /** Paths of `problems` (see `pathKey`): whatever validation says about them is only a consequence. */
  readonly broken: Set<string>;
  /** Values that came from outside, by `pathKey`. */
  readonly interpolated: Map<string, Interpolated>;
  /** Says where an option stands; one that is missing stands where its nearest parent does. */
  report(path: Path, part: Part, message: string): ConfigProblem;
  /** What the user calls an option: its path in a file, or its flag. */
  nameOf(path: Path): string;
}

/** A value that came from outside the file. */
export interface Interpolated {
  readonly path: Path;
  /** Gives the text again when it is interpolated again. */
  readonly template: string;
  /** The text after interpolation, also where YAML then reads a number or a boolean in it. */
  readonly text: string;
  /** What must not be shown. */
  readonly values: readonly string[];
  /** The vendor's variable that filled an absent option. */
  readonly variable?: string | undefined;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value at a path, or undefined. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isRecord(value)) value = value[String(key)];
    else return undefined;
  }
  return value;
}

/** Replaces a value that is there. */
export function replaceAt(data: unknown, path: Path, value: unknown): void {
  const parent = valueAt(data, path.slice(0, -1));
  const key = path.at(-1);
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else if (isRecord(parent)) parent[String(key)] = value;
}
