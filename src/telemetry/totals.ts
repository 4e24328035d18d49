import type { Counters } from "../core/checkpoint.ts";
import type { AgentStatus, SinkStatus } from "./status.ts";

/**
 * What became of the bytes and records of each sink since this process began. A sink's account is durable, and a kill rolls it
 * back a little; a counter that goes back looks to Prometheus like one that began anew, and all it held would count twice.
 * So counters begin at 0 with the process, and never go back.
 */
export class Totals {
  #stateDir: string | undefined;
  readonly #before = new Map<string, Readonly<Counters>>();
  readonly #highest = new Map<string, Counters>();

  /** By the name of the sink. */
  of({ stateDir, sinks }: AgentStatus): ReadonlyMap<string, Readonly<Counters>> {
    if (stateDir !== this.#stateDir) {
      // Other accounts.
      this.#before.clear();
      this.#highest.clear();
    }
    this.#stateDir = stateDir;
    return new Map(sinks.map((sink) => [sink.name, this.#since(sink)]));
  }

  #since({ name, account, before }: SinkStatus): Counters {
    const first = this.#before.get(name) ?? before;
    this.#before.set(name, first);
    const last = this.#highest.get(name);
    const since = (part: keyof Counters): number => Math.max(last?.[part] ?? 0, account[part] - first[part]);
    const counters: Counters = {
      deliveredBytes: since("deliveredBytes"),
      deliveredRecords: since("deliveredRecords"),
      filteredBytes: since("filteredBytes"),
      deadLetteredBytes: since("deadLetteredBytes"),
      deadLetteredRecords: since("deadLetteredRecords"),
      lostBytes: since("lostBytes"),
      skippedBytes: since("skippedBytes"),
      spilledBytes: since("spilledBytes"),
      spilledRecords: since("spilledRecords"),
      abandonedBytes: since("abandonedBytes"),
      lateRecords: since("lateRecords"),
      resentRecords: since("resentRecords"),
    };
    this.#highest.set(name, counters);
    return counters;
  }
}
