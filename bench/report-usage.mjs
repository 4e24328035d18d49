/**
 * Preloaded into a measured process (`--import`): writes at its exit what it used to the file that BENCH_USAGE names, in
 * the shape of `Usage`. Plain JavaScript, for the compiler that strips types would be part of the measurement.
 */
import { readFileSync, writeFileSync } from "node:fs";

process.on("exit", (exitCode) => {
  const { user, system } = process.cpuUsage();
  const usage = {
    exitCode,
    wallSeconds: performance.now() / 1_000,
    cpuSeconds: (user + system) / 1e6,
    // Not `maxRSS`, which a process inherits from its parent across fork and exec.
    peakBytes: Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1_024,
  };
  writeFileSync(process.env.BENCH_USAGE ?? "/dev/null", JSON.stringify(usage));
});
