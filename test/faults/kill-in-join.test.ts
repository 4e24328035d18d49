import { join } from "node:path";
import { expect, test } from "vitest";
import { datadogSink, eventually, Scene } from "../support/scene.ts";

const cri = (stream: string, tag: string, text: string): string =>
  `2026-01-02T03:04:05.123456789Z ${stream} ${tag} ${text}\n`;

const TRACE = ["java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)", "\tat a.B.main(B.java:2)"];

/** Both streams are in the middle of a record: one of a line, the other of a trace. */
const BEFORE = [
  cri("stdout", "F", "before"),
  cri("stderr", "F", TRACE[0] ?? ""),
  cri("stdout", "P", "half "),
  cri("stderr", "F", TRACE[1] ?? ""),
];
const AFTER = [cri("stdout", "F", "and half"), cri("stderr", "F", TRACE[2] ?? ""), cri("stderr", "F", "after")];

const RECORDS = ["before", TRACE.join("\n"), "half and half", "after"];

test("killed amid the records of two streams that stand between each other, it reads both whole again", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const source = { include: [join(scene.logs, "*.log")], format: "cri", multiline: "auto", flushAfter: "1h" };
  const config = { sources: { app: source }, sinks: { datadog: datadogSink(datadog) } };
  const messages = (): readonly string[] => datadog.items.map(({ message }) => message);

  scene.write("pod.log", BEFORE.join(""));
  const killed = scene.agent(config);
  await eventually("what stands before the open records", killed, () => messages().includes("before"));
  await killed.kill9();
  expect(new Set(messages())).toEqual(new Set(["before"]));

  scene.write("pod.log", AFTER.join(""));
  const next = scene.agent(config, { args: ["--once"] });
  expect((await next.waitExit(60_000)).code).toBe(0);
  expect(new Set(messages())).toEqual(new Set(RECORDS));
  // Only what was not acknowledged for certain comes twice.
  expect(messages().filter((message) => message !== "before").length).toBe(RECORDS.length - 1);
});
