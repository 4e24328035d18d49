import { stat } from "node:fs/promises";
import type { Clock } from "../core/clock.ts";
import { describeError, errorCode } from "../core/errors.ts";
import type { Emit } from "../core/events.ts";

/** A Job's end is not in such a hurry, and a stat costs next to nothing. */
const LOOK_MS = 500;

/** Resolves with true when the file is there, with false when `stop` aborts before. What keeps it from looking is told. */
export async function appears(
  path: string,
  world: { readonly clock: Clock; readonly emit: Emit },
  stop: AbortSignal,
): Promise<boolean> {
  let told: string | undefined;
  while (!stop.aborted) {
    const absence = await whyAbsent(path);
    if (absence === undefined) return true;
    if (absence !== "ENOENT" && absence !== told) world.emit({ kind: "file.unreadable", path, reason: absence });
    told = absence;
    await world.clock.sleep(LOOK_MS, stop);
  }
  return false;
}

async function whyAbsent(path: string): Promise<string | undefined> {
  try {
    await stat(path);
    return undefined;
  } catch (error) {
    return errorCode(error) ?? describeError(error);
  }
}
