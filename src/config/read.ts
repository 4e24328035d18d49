import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describeReadError } from "../core/errors.ts";
import { loadConfig, type ConfigWorld, type LoadResult } from "./load.ts";

const readText = (path: string): string => readFileSync(path, "utf8");

/** Reads a configuration file, and the files it refers to, from the file system. A relative name counts from `cwd`. */
export function readConfig(file: string, world: Omit<ConfigWorld, "readFile">): LoadResult {
  let text: string;
  try {
    text = readText(resolve(world.cwd, file));
  } catch (error) {
    const message = `cannot be read: ${describeReadError(error)}`;
    return { ok: false, problems: [{ file, line: 0, column: 0, path: "", message }] };
  }
  const { env, cwd, sinks } = world;
  return loadConfig({ text, file, env, cwd, sinks, readFile: readText });
}
