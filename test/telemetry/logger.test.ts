import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createLogger, logEvents, type LoggerOptions } from "../../src/telemetry/logger.ts";
import { flush } from "../core/test-clock.ts";

const MIB = 1_024 ** 2;

/** A stream that takes everything, or nothing until it is let go. */
class Terminal extends Writable {
  readonly isTTY: boolean;
  text = "";
  #held: (() => void) | undefined;
  #stuck: boolean;

  constructor({ isTTY = false, stuck = false } = {}) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    this.#stuck = stuck;
  }

  override _write(chunk: string, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk;
    if (this.#stuck) this.#held = done;
    else done();
  }

  letGo(): void {
    this.#stuck = false;
    this.#held?.();
  }

  get lines(): readonly string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

function logger(stream: Terminal, options: Partial<LoggerOptions> = {}) {
  return createLogger({ level: "info", format: "auto", stream, ...options });
}

describe("the agent's own log", () => {
  test("is JSON lines where nobody looks on, with the fields of the event", async () => {
    const stream = new Terminal();
    logEvents(logger(stream))({ kind: "file.refused", path: "/l/a\n{}.log", reason: "leads outside" });
    await flush();
    expect(stream.lines).toHaveLength(1);
    expect(JSON.parse(stream.lines[0] ?? "")).toMatchObject({
      level: "warn",
      event: "file.refused",
      path: "/l/a\n{}.log",
      reason: "leads outside",
      message: "/l/a\n{}.log is not read: leads outside",
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });

  test.each([
    ["auto", true, false],
    ["auto", false, true],
    ["json", true, true],
    ["pretty", false, false],
  ] as const)("in the format %s on a terminal (%s) is JSON: %s", async (format, isTTY, isJson) => {
    const stream = new Terminal({ isTTY });
    logger(stream, { format }).info("hello");
    await flush();
    expect(stream.text.startsWith("{")).toBe(isJson);
    expect(/^\d\d:\d\d:\d\d\.\d{3} info {2}hello\n$/.test(stream.text)).toBe(!isJson);
  });

  test("leaves out what is below its level", async () => {
    const stream = new Terminal();
    const emit = logEvents(logger(stream, { level: "warn" }));
    emit({ kind: "file.released", path: "/l/a.log" });
    emit({ kind: "checkpoint.restored" });
    emit({ kind: "checkpoint.failed", reason: "ENOSPC" });
    await flush();
    expect(stream.lines).toHaveLength(1);
  });

  test("on a terminal no path can write control characters of its own", async () => {
    const stream = new Terminal({ isTTY: true });
    logEvents(logger(stream))({
      kind: "file.refused",
      path: "/l/\u001B[2J\rfake\n12:00:00.000 info  all is well",
      reason: "x",
    });
    await flush();
    expect(stream.lines).toHaveLength(1);
    expect(stream.text).not.toContain("\u001B");
    expect(stream.text).not.toContain("\r");
  });
});

describe("a stream that nobody reads", () => {
  test("neither stalls the agent nor fills its memory: what is dropped is counted and told", async () => {
    const stream = new Terminal({ stuck: true });
    const log = logger(stream, { format: "json" });
    const message = "x".repeat(1_000);
    const before = performance.now();
    for (let i = 0; i < 20_000; i += 1) log.info(message);
    await flush();
    expect(performance.now() - before).toBeLessThan(20_000);
    expect(stream.writableLength).toBeLessThan(MIB + 10_000);
    stream.letGo();
    await flush();
    log.info("after");
    await flush();
    const kept = stream.lines.filter((line) => line.includes(message)).length;
    const told = /(\d+) log lines were dropped/.exec(stream.text)?.[1];
    expect(kept + Number(told)).toBe(20_000);
    expect(stream.lines.at(-1)).toContain("after");
  });

  test("in JSON the count of dropped lines is a line of JSON too", async () => {
    const stream = new Terminal({ stuck: true });
    const log = logger(stream, { format: "json" });
    for (let i = 0; i < 3_000; i += 1) log.info("x".repeat(1_000));
    stream.letGo();
    await flush();
    log.info("after");
    await flush();
    for (const line of stream.lines) expect(() => JSON.parse(line)).not.toThrow();
  });

  test("that breaks is no reason to stop", async () => {
    const stream = new Terminal();
    const log = logger(stream);
    stream.destroy(new Error("EPIPE"));
    await flush();
    for (let i = 0; i < 100; i += 1) log.info("into the void");
    await flush();
    expect(stream.text).toBe("");
  });
});
