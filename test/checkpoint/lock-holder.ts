// A process that takes the lock of each directory in its arguments, one a second from the instant in its first argument
// (Unix time in ms), says what came of each, a line each, and holds what it has until it is killed.
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import { describeError } from "../../src/core/errors.ts";
import { StateLock } from "../../src/checkpoint/lock.ts";

const start = Number(process.argv[2]);
for (const [i, directory] of process.argv.slice(3).entries()) {
  const due = start + i * 1_000;
  await sleep(Math.max(0, due - 10 - Date.now()));
  // A timer is too coarse for the same instant.
  while (Date.now() < due);
  try {
    await StateLock.acquire(directory, systemClock);
    process.stdout.write("held\n");
  } catch (error) {
    process.stdout.write(`refused: ${describeError(error)}\n`);
  }
}
