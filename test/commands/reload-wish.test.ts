import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { ReloadWish } from "../../src/commands/reload-wish.ts";
import { TestClock } from "../core/test-clock.ts";

const NEVER = new AbortController().signal;

describe("the wish to reload", () => {
  test("is heard while somebody waits, and kept while nobody does; each once", async () => {
    const [signals, clock] = [new EventEmitter(), new TestClock()];
    using wish = new ReloadWish(signals);
    signals.emit("SIGHUP", "SIGHUP");
    signals.emit("SIGHUP", "SIGHUP");
    expect(await wish.within(1_000, clock, NEVER)).toBe(true);
    const waiting = wish.within(1_000, clock, NEVER);
    signals.emit("SIGHUP", "SIGHUP");
    expect(await waiting).toBe(true);
    const vain = wish.within(1_000, clock, NEVER);
    await clock.advance(1_000);
    expect(await vain).toBe(false);
  });

  test("is waited for no longer when the waiting is stopped", async () => {
    const stop = new AbortController();
    using wish = new ReloadWish(new EventEmitter());
    const waiting = wish.within(1_000, new TestClock(), stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });

  test("is heard no longer once it is disposed of", () => {
    const signals = new EventEmitter();
    new ReloadWish(signals)[Symbol.dispose]();
    expect(signals.eventNames()).toEqual([]);
  });
});
