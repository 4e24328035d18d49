import { constants } from "node:fs";
import { access, opendir, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { describeReadError, errorCode } from "../core/errors.ts";
import { globRoot, isWithin } from "../core/paths.ts";
import type { ConfigProblem, Path } from "./problems.ts";
import type { Config } from "./schema.ts";

export interface PathFindings {
  readonly problems: readonly ConfigProblem[];
  /** What may be right: a directory that the application has yet to make. */
  readonly warnings: readonly ConfigProblem[];
}

type Report = (path: Path, message: string) => ConfigProblem;

/** Looks at the directories that a configuration names. Changes nothing. */
export async function inspectPaths(config: Config, report: Report): Promise<PathFindings> {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const stateDir = await realDirectory(config.stateDir);
  const state = await stateProblem(stateDir.existing);
  // A disk may be writable again one day; until then the agent ships, and says that it has no checkpoints.
  if (state !== undefined) (state.isPassing ? warnings : problems).push(report(["stateDir"], state.message));
  for (const [name, source] of Object.entries(config.sources)) {
    for (const [index, pattern] of source.include.entries()) {
      const path = ["sources", name, "include", index];
      const reading = await readingProblem(globRoot(pattern));
      if (reading === "missing") warnings.push(report(path, "its directory does not exist yet"));
      else if (reading !== undefined) problems.push(report(path, reading));
      const root = (await realDirectory(globRoot(pattern))).path;
      const overlaps = isWithin(stateDir.path, root) || isWithin(root, stateDir.path);
      if (overlaps) problems.push(report(path, "reads the same directory as stateDir, through a symbolic link"));
    }
  }
  return { problems, warnings };
}

/** Where a directory really is, also when its last parts have yet to be made; `existing` is the part that is there. */
async function realDirectory(path: string): Promise<{ readonly path: string; readonly existing: string }> {
  try {
    const real = await realpath(path);
    return { path: real, existing: real };
  } catch (error) {
    const parent = dirname(path);
    // Anything but a missing part is for the caller's own look at `existing` to explain.
    if (errorCode(error) !== "ENOENT" || parent === path) return { path, existing: path };
    const above = await realDirectory(parent);
    return { path: above.path + path.slice(parent === "/" ? 0 : parent.length), existing: above.existing };
  }
}

async function stateProblem(existing: string): Promise<{ message: string; isPassing: boolean } | undefined> {
  try {
    if (!(await stat(existing)).isDirectory())
      return { message: "cannot be made: a part of the path is not a directory", isPassing: false };
    await access(existing, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return { message: `cannot be written: ${describeReadError(error)}`, isPassing: errorCode(error) === "EROFS" };
  }
}

async function readingProblem(root: string): Promise<string | undefined> {
  try {
    await (await opendir(root)).close();
    return undefined;
  } catch (error) {
    return errorCode(error) === "ENOENT" ? "missing" : `its directory cannot be read: ${describeReadError(error)}`;
  }
}
