import { randomUUID } from "node:crypto";

/** A request on its way, and the highest number the channel had given before. */
export interface ChannelRequest {
  readonly channel: AckChannel;
  readonly highest: number;
}

interface Pending {
  /** Monotonic time from which on it has been open, less the time in which Splunk gave no answer. */
  sinceMs: number;
  readonly settle: (isIndexed: boolean) => void;
}

/**
 * One channel of indexer acknowledgement: Splunk numbers its requests from 0, and says of each number once that it is
 * indexed. A server that restarts begins at 0 again, and a number would then stand for two requests; so a number that is
 * not higher than all before it means that what was open is lost.
 */
export class AckChannel {
  readonly id: string = randomUUID();
  readonly #pending = new Map<number, Pending>();
  #highest = -1;
  #isRetired = false;
  /** Monotonic time since when Splunk has given no answer; undefined while it does. */
  #silentSinceMs: number | undefined;

  /** Numbers that Splunk has not said to be indexed. */
  get open(): readonly number[] {
    return [...this.#pending.keys()];
  }

  /** Whether new requests must take another channel. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  begin(): ChannelRequest {
    return { channel: this, highest: this.#highest };
  }

  /** The request got a number. Resolves with whether it is indexed; with false when that won't be told any more. */
  expect({ highest }: ChannelRequest, ackId: number, nowMs: number): Promise<boolean> {
    if ((ackId <= highest && !this.#isRetired) || this.#pending.has(ackId)) this.#lose();
    this.#highest = Math.max(this.#highest, ackId);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#pending.set(ackId, { sinceMs: nowMs, settle: resolve });
    return promise;
  }

  indexed(ackId: number): void {
    this.#pending.get(ackId)?.settle(true);
    this.#pending.delete(ackId);
  }

  unanswered(nowMs: number): void {
    this.#silentSinceMs ??= nowMs;
  }

  answered(nowMs: number): void {
    const silentSinceMs = this.#silentSinceMs;
    this.#silentSinceMs = undefined;
    if (silentSinceMs === undefined) return;
    for (const pending of this.#pending.values())
      pending.sinceMs = nowMs - Math.max(0, silentSinceMs - pending.sinceMs);
  }

  /** Gives up what has been open since before `sinceMs`, and the channel with it: its numbers may mean something else now. */
  expire(sinceMs: number): void {
    for (const [ackId, pending] of this.#pending) {
      if (pending.sinceMs > sinceMs) continue;
      this.#isRetired = true;
      this.#pending.delete(ackId);
      pending.settle(false);
    }
  }

  /** Nothing that is open will be told. */
  close(): void {
    this.#lose();
  }

  #lose(): void {
    this.#isRetired = true;
    for (const { settle } of this.#pending.values()) settle(false);
    this.#pending.clear();
  }
}
