import type { Clock } from "../core/clock.ts";
import { Application } from "./application.ts";
import { Intake } from "./intake.ts";
import type { Tally } from "./sequence.ts";

/** What a part of the demo gets from the outside world when it is a process of its own. */
export interface StandaloneWorld {
  readonly clock: Clock;
  readonly print: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const ROTATE_EVERY_MS = 20_000;
/** Nobody tells this application what has arrived, so it keeps half an hour: more than any outage of the demo. */
const KEEP = 90;
const TOTALS_EVERY_MS = 5_000;

const count = (value: number): string => value.toLocaleString("en-US");

/** The application alone, for a volume that an agent in another container follows. */
export async function runApplication(
  options: { readonly directory: string; readonly rate: number },
  world: StandaloneWorld & { readonly random: () => number },
): Promise<void> {
  const { clock, random, print, signal } = world;
  const rotation = { rotateEveryMs: ROTATE_EVERY_MS, keep: KEEP, isNeeded: () => false };
  const application = new Application({ ...options, ...rotation, clock, random });
  print(`writing ${options.rate} lines a second to app.log and access.log in ${options.directory}`);
  await application.run(signal);
  print(`${count(application.lines)} lines written`);
}

/** The intake alone. Prints its totals every few seconds. */
export async function runIntake(
  options: { readonly host: string; readonly port: number },
  world: StandaloneWorld,
): Promise<void> {
  const { clock, print, signal } = world;
  const intake = await Intake.listen({ ...options, clock });
  print(`Datadog and Splunk HEC intake on ${options.host}:${intake.port}, with outages on purpose now and then`);
  while (!signal.aborted) {
    await clock.sleep(TOTALS_EVERY_MS, signal);
    print(totals(intake));
  }
  await intake.close();
}

function totals({ tallies, faults, refusals }: Intake): string {
  const parts = [describeTally("datadog", tallies.datadog), describeTally("splunk", tallies.splunk)];
  return [...parts, `${count(faults)} injected faults, ${count(refusals)} refused`].join(" | ");
}

/** Gaps can be under way still: what matters is that they go away. */
function describeTally(name: string, { sequences, unnumbered }: Tally): string {
  const other = unnumbered === 0 ? "" : `, ${count(unnumbered)} unnumbered`;
  return `${name} ${count(sequences.count)} lines, ${count(sequences.duplicates)} duplicates, ${count(sequences.gaps)} gaps${other}`;
}
