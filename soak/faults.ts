import { setTimeout as pause } from "node:timers/promises";
import type { SplunkIntake } from "../test/support/splunk-intake.ts";
import type { Fault, HttpIntake, IntakeRequest } from "../test/support/http-intake.ts";

/** Numbers in [0, 1) that a seed repeats: mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What may go wrong at an intake, and for how long at most. Half of the time nothing does. */
const FAULTS: readonly { readonly name: string; readonly fault: Fault; readonly maxMs: number }[] = [
  { name: "503", fault: { status: 503 }, maxMs: 8_000 },
  { name: "500", fault: { status: 500 }, maxMs: 4_000 },
  { name: "429", fault: { status: 429, headers: { "retry-after": "1" } }, maxMs: 4_000 },
  { name: "401", fault: { status: 401 }, maxMs: 4_000 },
  { name: "413", fault: { status: 413 }, maxMs: 500 },
  { name: "reset", fault: { instead: "reset" }, maxMs: 4_000 },
  // Stored, but its answer is lost: these lines come again.
  { name: "reset after storing", fault: { instead: "reset", indexed: true }, maxMs: 300 },
  { name: "hang", fault: { instead: "hang" }, maxMs: 4_000 },
  { name: "hang in the body", fault: { instead: "hangInBody" }, maxMs: 4_000 },
  { name: "slow", fault: { delayMs: 700 }, maxMs: 5_000 },
];

/** A single line is never too large. */
const isMeant = ({ status }: Fault, { body }: IntakeRequest): boolean => status !== 413 || body.length > 1_000;

/** Makes an intake fail now and then, until the signal. Then it is well. */
export async function trouble(intake: HttpIntake, random: () => number, signal: AbortSignal): Promise<number> {
  let faults = 0;
  while (!signal.aborted) {
    intake.respond = () => undefined;
    await wait(1_000 + random() * 5_000, signal);
    const chosen = FAULTS[Math.floor(random() * FAULTS.length)];
    if (chosen === undefined || signal.aborted) continue;
    faults += 1;
    intake.respond = (request) => (isMeant(chosen.fault, request) ? chosen.fault : undefined);
    await wait(random() * chosen.maxMs, signal);
  }
  intake.respond = () => undefined;
  return faults;
}

/** Lets an indexer die now and then with what it has received and not indexed, until the signal. Then it is well. */
export async function forget(splunk: SplunkIntake, random: () => number, signal: AbortSignal): Promise<number> {
  let deaths = 0;
  while (!signal.aborted) {
    await wait(5_000 + random() * 20_000, signal);
    splunk.holdsBack = true;
    await wait(random() * 2_000, signal);
    splunk.restart();
    splunk.holdsBack = false;
    deaths += 1;
  }
  return deaths;
}

export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
