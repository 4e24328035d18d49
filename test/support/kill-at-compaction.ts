import { readdirSync } from "node:fs";

/**
 * Kills a process in the moment in which its compaction has a temporary file: `node kill-at-compaction.ts DIR PID`.
 * A process of its own, because it looks at the directory without a pause: the moment is shorter than any timer, and an
 * event of the kernel would come through an event loop that serves the intakes as well. Exits with 1 when there was none.
 */
const [directory, pid] = process.argv.slice(2);
if (directory === undefined || pid === undefined) throw new Error("usage: kill-at-compaction.ts DIR PID");

const DEADLINE_MS = 8_000;
const startedAt = performance.now();
let found = false;
while (!found && performance.now() - startedAt < DEADLINE_MS) {
  found = readdirSync(directory).some((name) => name.includes("journal") && name.endsWith(".new"));
}
if (found) process.kill(Number(pid), "SIGKILL");
process.exitCode = found ? 0 : 1;
