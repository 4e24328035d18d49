import type { Settings } from "./command.ts";
import type { Oracle, Sighting, SinkAccount } from "./oracle.ts";
import type { Receiver } from "./receiver.ts";
import type { Damage } from "./state-directory.ts";

/** What agents run on. */
export interface Stage {
  readonly settings: Settings;
  /** Whether the state needs a disk that can be full. */
  readonly needsSmallDisk: boolean;
  /** The directory of the logs, and the patterns of those that are to be followed. */
  readonly logs: string;
  readonly patterns: readonly string[];
  readonly oracle: Oracle;
  readonly receivers: readonly Receiver[];
  /** Adds a line to what is shown beside a fault. */
  readonly tell: (line: string) => void;
}

/** How an agent ended that was told to. */
export interface Ending {
  readonly code: number | undefined;
  readonly accounts: ReadonlyMap<string, SinkAccount>;
}

/**
 * Runs agents one after the other over the same files and the same state, one at a time, and tells the oracle of their
 * beginnings and ends and of what they must know. What needs a running agent does nothing without one.
 */
export interface Driver {
  readonly isRunning: boolean;
  /** Monotonic, milliseconds, on the clock that the agents live by. */
  now(): number;
  start(): Promise<void>;
  /** As on SIGTERM. Resolves when it has ended. */
  stop(): Promise<Ending | undefined>;
  /** As on SIGKILL. */
  kill(): Promise<void>;
  /** As on a changed configuration. */
  reload(): Promise<void>;
  /** Lets time pass, and all come to its end that is under way. */
  wait(ms: number): Promise<void>;
  /** Lets time pass, and leaves what is under way in the middle of it. */
  race(ms: number, turns: number): Promise<void>;
  /** A moment between two steps of the application. */
  pause(turns: number): Promise<void>;
  /** The kernel tells of a change in the directory. `isEntry`: something came, went or was renamed. */
  hint(path: string, isEntry: boolean): void;
  /** Leaves the state no room, or gives it back. False if there is no disk that can be full. */
  fillDisk(isFull: boolean): boolean;
  /** Harms the journal. */
  damage(how: Damage, at: number): void;
  /** The records in the dead letters of a sink. */
  letters(sink: string): readonly Sighting[];
  /** What holds at every moment. */
  check(): void;
  /** Gives the agent the time that it needs, at most. */
  catchUp(isDone: () => boolean): Promise<void>;
  close(): Promise<void>;
}
