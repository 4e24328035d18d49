import { stringify } from "yaml";
import { inspectPaths } from "../config/access.ts";
import { describeConfig } from "../config/describe.ts";
import { formatProblem, type ConfigProblem } from "../config/problems.ts";
import { readConfig } from "../config/read.ts";
import { EXIT } from "../core/errors.ts";
import type { CommandIo } from "./io.ts";

/**
 * Checks a configuration file without starting anything: its text, and the directories it names. Prints what is wrong
 * on stderr, or the effective configuration on stdout. Resolves to the exit code.
 */
export async function checkCommand(options: { readonly config: string }, io: CommandIo): Promise<number> {
  const file = options.config;
  const loaded = readConfig(file, io);
  if (!loaded.ok) return refuse(file, loaded.problems, io);
  const found = await inspectPaths(loaded.config, loaded.report);
  for (const warning of found.warnings) io.stderr.write(`${formatProblem(warning)} (warning)\n`);
  if (found.problems.length > 0) return refuse(file, found.problems, io);
  io.stdout.write(`${file}: ok\n${stringify(describeConfig(loaded.config, loaded.interpolated))}`);
  return EXIT.done;
}

function refuse(file: string, problems: readonly ConfigProblem[], io: CommandIo): number {
  for (const problem of problems) io.stderr.write(`${formatProblem(problem)}\n`);
  io.stderr.write(`${file}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}\n`);
  return EXIT.config;
}
