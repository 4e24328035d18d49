import { resolve } from "node:path";
import { parseAddress } from "../core/address.ts";
import { systemClock } from "../core/clock.ts";
import { describeError, errorCode, EXIT, UserError } from "../core/errors.ts";
import { runApplication, runIntake, type StandaloneWorld } from "../demo/standalone.ts";
import { Interruption } from "./interruption.ts";
import type { CommandIo } from "./io.ts";

/** The demo's application as a process of its own. Resolves to the exit code when a signal has come. */
export async function demoApplicationCommand(
  options: { readonly dir: string; readonly rate: string },
  io: CommandIo,
): Promise<number> {
  const rate = parseQuantity("--rate", options.rate);
  const directory = resolve(io.cwd, options.dir);
  return alone(io, (world) => runApplication({ directory, rate }, { ...world, random: Math.random }));
}

/** The demo's intake as a process of its own. Resolves to the exit code when a signal has come. */
export async function demoIntakeCommand(options: { readonly listen: string }, io: CommandIo): Promise<number> {
  const address = parseAddress(options.listen);
  if (address === undefined) {
    throw new UserError(`--listen ${options.listen}: expected a host and a port, like 0.0.0.0:8088`, EXIT.usage);
  }
  return alone(io, (world) => runIntake(address, world));
}

async function alone(io: CommandIo, run: (world: StandaloneWorld) => Promise<void>): Promise<number> {
  using interruption = new Interruption(process, systemClock);
  const print = (line: string): void => void io.stdout.write(`${line}\n`);
  try {
    await run({ clock: systemClock, print, signal: interruption.signal });
  } catch (error) {
    // A port in use, a directory that can't be written: for the user to mend.
    if (errorCode(error) !== undefined) throw new UserError(describeError(error));
    throw error;
  }
  return EXIT.done;
}

/** The number of an option. Throws a UserError if it is none above 0. */
export function parseQuantity(option: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UserError(`${option} ${text}: expected a number above 0`, EXIT.usage);
}
