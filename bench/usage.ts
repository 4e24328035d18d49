import { readFileSync } from "node:fs";
import { cpuUsage } from "node:process";

/** What a process used. The agent reports the whole of its life, start-up included; the floor only its loop. */
export interface Usage {
  readonly exitCode: number;
  readonly wallSeconds: number;
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** Highest resident memory. */
  readonly peakBytes: number;
}

/** Resident memory of a process in bytes: now (`VmRSS`), or the highest there was (`VmHWM`). */
export function residentBytes(pid: number | "self", field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = status
    .split("\n")
    .find((line) => line.startsWith(field))
    ?.split(/\s+/)[1];
  return Number(kib ?? Number.NaN) * 1_024;
}

/** Microseconds of processor time that work takes in this process, of all its threads. */
export function cpuMicroseconds(work: () => void): number {
  const before = cpuUsage();
  work();
  const { user, system } = cpuUsage(before);
  return user + system;
}

/** Clock ticks a second in /proc, on every Linux that Node runs on. */
const TICKS = 100;

/** Seconds of processor time that a process has used so far, of all its threads. */
export function cpuSeconds(pid: number): number {
  // Fields 14 and 15, of which the name in brackets is the second.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
