import { readdirSync, readFileSync } from "node:fs";

/**
 * Kills a process in a moment in which its compaction has a temporary file: `node kill-at-compaction.ts DIR PID`.
 * A process of its own, because it looks at the directory without a pause: the moment is shorter than any timer, and an
 * event of the kernel would come through an event loop that serves the intakes as well. The process is suspended before it
 * is killed: what is on the disk then is what the kill leaves. Exits with 1 when there was no such moment.
 */
const [directory, pid] = process.argv.slice(2);
if (directory === undefined || pid === undefined) throw new Error("usage: kill-at-compaction.ts DIR PID");

const DEADLINE_MS = 60_000;
const deadlineMs = performance.now() + DEADLINE_MS;
const isCompacting = (): boolean =>
  readdirSync(directory).some((name) => name.includes("journal") && name.endsWith(".new"));
const isSuspended = (): boolean => / T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

let isKilled = false;
while (!isKilled && performance.now() < deadlineMs) {
  if (!isCompacting()) continue;
  process.kill(Number(pid), "SIGSTOP");
  while (!isSuspended() && performance.now() < deadlineMs);
  isKilled = isCompacting();
  process.kill(Number(pid), isKilled ? "SIGKILL" : "SIGCONT");
}
process.exitCode = isKilled ? 0 : 1;
