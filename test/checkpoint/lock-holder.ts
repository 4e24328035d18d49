// A process that takes the lock of the directory in its arguments, says what came of it, and holds it until it is killed.
import { systemClock } from "../../src/core/clock.ts";
import { describeError } from "../../src/core/errors.ts";
import { StateLock } from "../../src/checkpoint/lock.ts";

try {
  await StateLock.acquire(process.argv[2] ?? "", systemClock);
  process.stdout.write("held\n");
} catch (error) {
  process.stdout.write(`refused: ${describeError(error)}\n`);
  process.exit(1);
}
