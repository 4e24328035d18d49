import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./errors.ts";

/**
 * Makes a directory and those above it, whoever else does the same meanwhile. Node's own recursive call never returns where a
 * parent is there but takes no directory and says ENOENT, as /proc does; this one rejects with that error.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  if ((await make(path, mode)) === "made") return;
  const parent = dirname(path);
  if (parent !== path && !(await exists(parent))) await makeDirectory(parent, mode);
  const second = await make(path, mode);
  if (second !== "made") throw second;
}

/** Returns the error if there is no parent; rejects with all others. */
async function make(path: string, mode: number): Promise<"made" | Error> {
  try {
    await mkdir(path, { mode });
    return "made";
  } catch (error) {
    if (errorCode(error) === "EEXIST" && (await stat(path)).isDirectory()) return "made";
    if (errorCode(error) === "ENOENT" && error instanceof Error) return error;
    throw error;
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
