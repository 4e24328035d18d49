import * as fc from "fast-check";
import { LINE_KINDS, type LineKind, ROTATIONS, type Rotation, type Stream, STREAMS } from "./application.ts";
import type { ReceiverMode } from "./receiver.ts";
import { type Damage, DAMAGES } from "./state-directory.ts";

/** One step of a sequence: plain data, so that a failed sequence can be printed, kept and run again. */
export type Command =
  | {
      readonly do: "write";
      readonly stream: Stream;
      readonly lines: readonly LineKind[];
      readonly unfinished?: boolean;
      readonly hint?: boolean;
    }
  | {
      readonly do: "writeLate";
      readonly stream: Stream;
      readonly lines: readonly LineKind[];
      readonly unfinished?: boolean;
    }
  | {
      readonly do: "rotate";
      readonly stream: Stream;
      readonly how: Rotation;
      /** Written between a copy and the truncation. */
      readonly between?: readonly LineKind[];
      /** Turns of the event loop between two steps of the rotation. */
      readonly turns?: number;
      readonly hint?: boolean;
    }
  | { readonly do: "delete"; readonly stream: Stream; readonly hint?: boolean }
  | { readonly do: "deleteOldest"; readonly stream: Stream }
  | { readonly do: "truncate"; readonly stream: Stream; readonly lines: readonly LineKind[] }
  /** Lines are written until the file is as long as what was there before it. */
  | { readonly do: "regrow"; readonly stream: Stream }
  /** A rotated file is compressed. */
  | { readonly do: "compress"; readonly stream: Stream; readonly turns?: number; readonly hint?: boolean }
  /** Nobody may open the live file any more; or all may open what is there of the stream. */
  | { readonly do: "chmod"; readonly stream: Stream; readonly isReadable: boolean }
  | { readonly do: "wait"; readonly ms: number }
  /** Time passes, and what it wakes is left in the middle of its way. */
  | { readonly do: "race"; readonly ms: number; readonly turns: number }
  | { readonly do: "start" }
  | { readonly do: "stop" }
  | { readonly do: "kill" }
  | { readonly do: "reload" }
  | { readonly do: "sink"; readonly sink: number; readonly mode: ReceiverMode }
  | { readonly do: "damage"; readonly how: Damage; readonly at: number }
  /** The state directory has no room, or has room again. */
  | { readonly do: "disk"; readonly isFull: boolean };

export interface Settings {
  /** Whether the patterns name the rotated files too. */
  readonly includeRotated: boolean;
  readonly maxOpenFiles: number;
  readonly maxRecordBytes: number;
  /** What becomes of lines: each is a record, or those that begin with a blank belong to the one before, or some are dropped. */
  readonly reading: "lines" | "joins" | "drops";
  /** Whether every log begins with the same bytes, more of them than a fingerprint covers. */
  readonly beginsAlike: boolean;
  /** Whether the agent is told of each change in the directory, as inotify does; else only now and then. */
  readonly isWatching: boolean;
  readonly sinks: readonly {
    readonly maxRecords: number;
    readonly concurrency: number;
    readonly namesGuilty: boolean;
  }[];
}

export interface Sequence {
  readonly settings: Settings;
  readonly commands: readonly Command[];
}

const stream = fc.constantFrom(...STREAMS);
const lineKind = fc.oneof({ weight: 4, arbitrary: fc.constant<LineKind>("short") }, fc.constantFrom(...LINE_KINDS));
const lines = fc.array(lineKind, { minLength: 1, maxLength: 6 });
const maybe = fc.boolean();
const rarely = fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const turns = fc.nat({ max: 12 });

const sinkMode = fc.constantFrom<ReceiverMode>("up", "down", "blocked", "throttled", "slow", "answerLost", "tooLarge");

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant("write" as const), stream, lines, unfinished: rarely, hint: maybe }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("writeLate" as const), stream, lines, unfinished: rarely }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("rotate" as const),
      stream,
      how: fc.constantFrom(...ROTATIONS),
      between: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, lines),
      turns: fc.oneof(fc.constant(0), turns),
      hint: maybe,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), stream, hint: maybe }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("deleteOldest" as const), stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("compress" as const), stream, turns, hint: maybe }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("truncate" as const), stream, lines: fc.oneof(fc.constant([]), lines) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 20, 100, 1_100, 4_000, 8_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("race" as const), ms: fc.constantFrom(0, 20, 60, 1_020, 5_100), turns }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("start" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("stop" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reload" as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("sink" as const), sink: fc.nat({ max: 1 }), mode: sinkMode }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("damage" as const),
      how: fc.constantFrom(...DAMAGES),
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("chmod" as const), stream, isReadable: maybe }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disk" as const), isFull: maybe }) },
);

/** What takes several commands in their order, too seldom met by chance. */
const scenario: fc.Arbitrary<readonly Command[]> = fc.oneof(
  // Generations come and go while no agent runs.
  fc
    .record({
      stream,
      how: fc.constantFrom<Rotation>("shift", "dateext"),
      end: fc.constantFrom("stop" as const, "kill" as const),
      generations: fc.integer({ min: 1, max: 3 }),
      isCompressed: maybe,
    })
    .map(({ stream: name, how, end, generations, isCompressed }): readonly Command[] => [
      { do: "write", stream: name, lines: ["short"] },
      { do: "wait", ms: 8_000 },
      { do: end },
      ...Array.from({ length: generations }, (): readonly Command[] => [
        { do: "rotate", stream: name, how },
        { do: "write", stream: name, lines: ["short"] },
        ...(isCompressed ? [{ do: "compress", stream: name } as const] : []),
      ]).flat(),
      { do: "start" },
    ]),
  // Emptied and as long again before anybody looks.
  fc
    .record({ stream, how: fc.constantFrom("truncate", "copytruncate"), lines, ms: fc.constantFrom(1_100, 4_000) })
    .map(({ stream: name, how, lines: written, ms }): readonly Command[] => [
      { do: "write", stream: name, lines: written },
      { do: "wait", ms },
      how === "truncate"
        ? { do: "truncate", stream: name, lines: [] }
        : { do: "rotate", stream: name, how: "copytruncate" },
      { do: "regrow", stream: name },
    ]),
  // A log that can't be opened is rotated, and can be opened later.
  fc
    .record({ stream, how: fc.constantFrom<Rotation>("shift", "dateext"), ms: fc.constantFrom(100, 8_000) })
    .map(({ stream: name, how, ms }): readonly Command[] => [
      { do: "write", stream: name, lines: ["short"] },
      { do: "chmod", stream: name, isReadable: false },
      { do: "wait", ms },
      { do: "rotate", stream: name, how },
      { do: "write", stream: name, lines: ["short"] },
      { do: "wait", ms },
      { do: "chmod", stream: name, isReadable: true },
    ]),
  // The disk of the state is full when the agent ends: also for what can't be delivered.
  fc
    .record({
      stream,
      lines: fc.oneof(lines, fc.constant<LineKind[]>(["short", "poison", "short"])),
      end: fc.constantFrom("stop" as const, "kill" as const),
      isFreed: maybe,
    })
    .map(({ stream: name, lines: written, end, isFreed }): readonly Command[] => [
      { do: "disk", isFull: true },
      { do: "write", stream: name, lines: written },
      { do: "wait", ms: 1_100 },
      { do: end },
      ...(isFreed ? [{ do: "disk", isFull: false } as const] : []),
      { do: "start" },
    ]),
  // More than one read takes.
  stream.map((name): readonly Command[] => [
    { do: "write", stream: name, lines: ["bulk", "short", "bulk", "bulk", "long", "bulk", "short"] },
  ]),
);

const step = fc.oneof(
  { weight: 20, arbitrary: command.map((one): readonly Command[] => [one]) },
  { weight: 1, arbitrary: scenario },
);

const settings: fc.Arbitrary<Settings> = fc.record({
  includeRotated: maybe,
  isWatching: maybe,
  maxOpenFiles: fc.oneof({ weight: 5, arbitrary: fc.constant(1_024) }, { weight: 1, arbitrary: fc.constant(2) }),
  maxRecordBytes: fc.constantFrom(200, 150_000),
  reading: fc.constantFrom("lines" as const, "lines" as const, "joins" as const, "drops" as const),
  beginsAlike: rarely,
  sinks: fc.array(
    fc.record({
      maxRecords: fc.constantFrom(2, 5, 1_000),
      concurrency: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constant(4) }),
      namesGuilty: maybe,
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

export const sequences = (maxLength: number): fc.Arbitrary<Sequence> =>
  fc.record({
    settings,
    commands: fc
      .array(step, { minLength: 3, maxLength, size: "max" })
      .map((steps): Command[] => [
        { do: "write", stream: "a.log", lines: ["short"] },
        { do: "start" },
        ...steps.flat(),
      ]),
  });
