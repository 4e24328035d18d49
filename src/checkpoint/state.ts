import type {
  CheckpointChange,
  Counters,
  CursorCheckpoint,
  FileCheckpoint,
  LossCheckpoint,
  StreamCheckpoint,
} from "../core/checkpoint.ts";
import { MAX_EMPTY_STREAMS } from "../core/checkpoint.ts";
import { unreachable } from "../core/errors.ts";

/** Losses kept one by one; of older ones the sum. */
const MAX_LOSSES = 1_000;

/** The durable state in memory: the fold of all changes. */
export class CheckpointState {
  readonly files = new Map<number, FileCheckpoint>();
  readonly cursors = new Map<string, Map<number, CursorCheckpoint>>();
  readonly streams = new Map<string, StreamCheckpoint>();
  readonly totals = new Map<string, Readonly<Counters>>();
  /** By sink, file and offset, so that a loss that is told twice counts once. */
  readonly #losses = new Map<string, LossCheckpoint>();
  /** By sink, the sum of the losses that were too many to be kept. */
  readonly #rolledUp = new Map<string, LossCheckpoint>();
  #highestId = 0;

  get losses(): readonly LossCheckpoint[] {
    return [...this.#rolledUp.values(), ...this.#losses.values()];
  }

  get highestId(): number {
    return this.#highestId;
  }

  apply(change: CheckpointChange): void {
    switch (change.kind) {
      case "file":
        this.#see(change.file.id);
        this.files.set(change.file.id, change.file);
        break;
      case "cursor": {
        const { sink, file } = change.cursor;
        this.#see(file);
        const ofSink = this.cursors.get(sink) ?? new Map<number, CursorCheckpoint>();
        this.cursors.set(sink, ofSink.set(file, change.cursor));
        break;
      }
      case "loss":
        this.#lose(change.loss);
        break;
      case "totals":
        this.totals.set(change.sink, change.counters);
        break;
      case "forget":
        this.#see(change.file);
        this.files.delete(change.file);
        for (const ofSink of this.cursors.values()) ofSink.delete(change.file);
        break;
      case "stream":
        this.#remember(change.stream);
        break;
      case "abandon":
        this.cursors.delete(change.sink);
        break;
      case "highestId":
        this.#see(change.id);
        break;
      default:
        unreachable(change);
    }
  }

  /** The changes that make this state from nothing, in the order in which they may be applied. */
  *snapshot(): Generator<CheckpointChange> {
    for (const file of this.files.values()) yield { kind: "file", file };
    for (const ofSink of this.cursors.values()) {
      for (const cursor of ofSink.values()) yield { kind: "cursor", cursor };
    }
    for (const stream of this.streams.values()) yield { kind: "stream", stream };
    for (const [sink, counters] of this.totals) yield { kind: "totals", sink, counters };
    for (const loss of this.losses) yield { kind: "loss", loss };
    yield { kind: "highestId", id: this.#highestId };
  }

  /** Drops cursors whose file is unknown because the entry that named it was damaged: without an identity they prove nothing. */
  dropOrphans(): void {
    for (const ofSink of this.cursors.values()) {
      for (const file of ofSink.keys()) if (!this.files.has(file)) ofSink.delete(file);
    }
  }

  #remember(stream: StreamCheckpoint): void {
    this.streams.delete(stream.path);
    this.streams.set(stream.path, stream);
    const [oldest] = this.streams.keys();
    if (this.streams.size > MAX_EMPTY_STREAMS && oldest !== undefined) this.streams.delete(oldest);
  }

  #lose(loss: LossCheckpoint): void {
    if (loss.rolledUp !== undefined) {
      this.#rolledUp.set(loss.sink, loss);
      return;
    }
    this.#losses.set(`${loss.sink} ${loss.file} ${loss.from}`, loss);
    if (this.#losses.size <= MAX_LOSSES) return;
    for (const [key, oldest] of this.#losses) {
      this.#losses.delete(key);
      this.#rollUp(oldest);
      return;
    }
  }

  #rollUp({ sink, from, to, bytes = to - from, at }: LossCheckpoint): void {
    const sum = this.#rolledUp.get(sink);
    this.#rolledUp.set(sink, {
      sink,
      file: 0,
      path: "",
      from: 0,
      to: 0,
      bytes: (sum?.bytes ?? 0) + bytes,
      reason: "older losses",
      at,
      rolledUp: (sum?.rolledUp ?? 0) + 1,
    });
  }

  // Numbers of damaged or forgotten files count too: an id is never used again.
  #see(id: number): void {
    this.#highestId = Math.max(this.#highestId, id);
  }
}

/** Where a change is a newer value of the same thing, it has the same key, so one entry holds only the latest. */
export function keyOf(change: CheckpointChange, unique: number): string {
  switch (change.kind) {
    case "file":
      return `file ${change.file.id}`;
    case "cursor":
      return `cursor ${change.cursor.file} ${change.cursor.sink}`;
    case "totals":
      return `totals ${change.sink}`;
    case "forget":
      return `forget ${change.file}`;
    case "stream":
      return `stream ${change.stream.path}`;
    case "abandon":
      return `abandon ${change.sink}`;
    case "loss":
      return `loss ${unique}`;
    case "highestId":
      return "highestId";
    default:
      return unreachable(change);
  }
}
