import type { Clock } from "../core/clock.ts";
import type { AgentEvent, Emit } from "../core/events.ts";

/** What happens all the time to rotating files, and what the table at the end says better. */
const UNREMARKABLE: ReadonlySet<AgentEvent["kind"]> = new Set<AgentEvent["kind"]>([
  "file.found",
  "file.rotated",
  "file.deleted",
  "file.released",
  "file.format",
  "file.starts",
  "sink.account",
]);

/** Attempts of one sink that fail faster than this are told of once; the live line shows its state meanwhile. */
const FAILING_EVERY_MS = 1_000;

/** Passes on what a person who watches the demo wants to see. */
export function remarkable(emit: Emit, clock: Clock): Emit {
  const toldAtMs = new Map<string, number>();
  return (event) => {
    if (UNREMARKABLE.has(event.kind)) return;
    if (event.kind === "sink.recovered") toldAtMs.delete(event.sink);
    if (event.kind === "sink.failing") {
      const now = clock.elapsed();
      if (now - (toldAtMs.get(event.sink) ?? Number.NEGATIVE_INFINITY) < FAILING_EVERY_MS) return;
      toldAtMs.set(event.sink, now);
    }
    emit(event);
  };
}
