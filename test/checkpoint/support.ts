import type { AgentEvent } from "../../src/core/events.ts";
import type { Counters, CursorCheckpoint, FileCheckpoint, LossCheckpoint } from "../../src/core/checkpoint.ts";
import { onTestFinished } from "vitest";
import { Journal } from "../../src/checkpoint/journal.ts";
import { noCounters } from "../../src/pipeline/counters.ts";

export const counters = (deliveredBytes = 0, more: Partial<Counters> = {}): Counters => ({
  ...noCounters(),
  deliveredBytes,
  ...more,
});

export const file = (id: number, more: Partial<FileCheckpoint> = {}): FileCheckpoint => ({
  id,
  source: "app",
  origin: `/var/log/${id}.log`,
  stream: `/var/log/${id}.log`,
  path: `/var/log/${id}.log`,
  identity: {
    device: 2n ** 63n + 1n,
    inode: BigInt(id),
    birthtimeNs: 1_767_225_600_123_456_789n,
    head: { length: 3, hash: "abc" },
  },
  size: 1_000,
  followedSince: 0,
  born: 0n,
  rotated: false,
  ...more,
});

export const cursor = (
  id: number,
  offset: number,
  sink = "a",
  more: Partial<CursorCheckpoint> = {},
): CursorCheckpoint => ({
  sink,
  file: id,
  first: 0,
  position: { offset, crc: 0xffff_ffff, tail: 1 },
  counters: counters(offset),
  ...more,
});

export const loss = (id: number, from = 0, to = 10): LossCheckpoint => ({
  sink: "a",
  file: id,
  path: `/var/log/${id}.log`,
  from,
  to,
  reason: "truncated",
  at: 1_767_225_600_000,
});

export interface OpenedJournal {
  readonly journal: Journal;
  readonly events: AgentEvent[];
}

export async function openJournal(
  directory: string,
  compactAtBytes = 1_024 ** 2,
  hold: () => Promise<void> = async () => undefined,
): Promise<OpenedJournal> {
  const events: AgentEvent[] = [];
  const journal = await Journal.open({ directory, compactAtBytes, emit: (event) => events.push(event), hold });
  onTestFinished(() => journal.close());
  return { journal, events };
}

/** The durable state in plain values. */
export const stateOf = (journal: Journal) => ({
  files: [...journal.files.values()],
  cursors: [...journal.cursors.values()].flatMap((ofSink) => [...ofSink.values()]),
  totals: [...journal.totals],
  losses: [...journal.losses],
});

/** Offsets by sink and file: the part of the state that the tests look at most. */
export const offsetsOf = (journal: Journal): Record<string, number> =>
  Object.fromEntries(
    [...journal.cursors].flatMap(([sink, ofSink]) =>
      [...ofSink].map(([id, { position }]) => [`${sink}:${id}`, position.offset] as const),
    ),
  );
