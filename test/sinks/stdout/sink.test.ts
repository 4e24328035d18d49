import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import type { Outcome } from "../../../src/core/outcome.ts";
import { stdout } from "../../../src/sinks/stdout/sink.ts";
import { scratchDirectory } from "../../core/scratch.ts";
import { bodyOf, createSink, never, record } from "../support.ts";

test("records go to the stream one a line", async () => {
  const stream = new PassThrough();
  const sink = createSink(stdout, { format: "raw" }, { stdout: stream });
  expect(await sink.send(bodyOf(sink, [record("a"), record("b")]), never())).toEqual({ kind: "delivered" });
  stream.end();
  expect(await text(stream)).toBe("a\nb\n");
});

test("a batch is delivered only when the stream has taken it", async () => {
  const { promise: taken, resolve: take } = Promise.withResolvers<() => void>();
  const stream = new Writable({ write: (_chunk, _encoding, done) => take(done) });
  const sink = createSink(stdout, {}, { stdout: stream });
  let outcome: Outcome | undefined;
  const sent = sink.send(bodyOf(sink, [record("a")]), never()).then((value) => (outcome = value));
  const done = await taken;
  expect(outcome).toBeUndefined();
  done();
  expect(await sent).toEqual({ kind: "delivered" });
});

test("waiting for a stream that takes nothing can be abandoned", async () => {
  const sink = createSink(stdout, {}, { stdout: new Writable({ write: () => {} }) });
  const controller = new AbortController();
  const sent = sink.send(bodyOf(sink, [record("a")]), controller.signal);
  controller.abort();
  expect((await sent).kind).toBe("retry");
});

test.each([
  ["EPIPE", "ended"],
  ["ECONNRESET", "ended"],
  ["ENOSPC", "retry"],
  ["EIO", "retry"],
])("a write that fails with %s means %s", async (code, kind) => {
  const error = Object.assign(new Error(`write ${code}`), { code });
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(error) });
  const sink = createSink(stdout, {}, { stdout: stream });
  expect((await sink.send(bodyOf(sink, [record("a")]), never())).kind).toBe(kind);
});

test.each([
  ["destroyed", (stream: Writable) => void stream.destroy()],
  ["ended", (stream: Writable) => void stream.end()],
])("a stream that was %s ends the sink", async (_name, close) => {
  const stream = new PassThrough();
  close(stream);
  const sink = createSink(stdout, {}, { stdout: stream });
  expect((await sink.send(bodyOf(sink, [record("a")]), never())).kind).toBe("ended");
});

test("behind a line that was cut short in a file the next one begins anew", async () => {
  const path = join(scratchDirectory(), "out");
  await writeFile(path, "whole\ncut sho");
  const stream = createWriteStream(path, { flags: "a" });
  await once(stream, "open");
  const sink = createSink(stdout, { format: "raw" }, { stdout: stream });
  for (const text of ["a", "b"])
    expect(await sink.send(bodyOf(sink, [record(text)]), never())).toEqual({ kind: "delivered" });
  stream.destroy();
  expect(await readFile(path, "utf8")).toBe("whole\ncut sho\na\nb\n");
});

test("only one batch is in flight, for lines must not mix", () => {
  expect(createSink(stdout, {}).concurrency).toEqual({ min: 1, max: 1 });
});

test("a reader that leaves a real pipe ends the sink, and the process lives on", async () => {
  const writer = join(import.meta.dirname, "pipe-writer.ts");
  const child = spawn("sh", ["-c", '"$0" "$1" | head -n 1', process.execPath, writer], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [line, report] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(JSON.parse(line)).toMatchObject({ message: "0" });
  expect(report).toBe("ended\n");
});
