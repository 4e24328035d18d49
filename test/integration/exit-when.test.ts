import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";

/** A classic sidecar of a Job, whose main container makes a file when it is done. */
function sidecar(scene: Scene) {
  const file = join(scene.dir, "done");
  return { config: { exitWhen: { file } }, finish: () => writeFileSync(file, "") };
}

test("when the file appears the agent ends as on SIGTERM: the last lines arrive, an unfinished one too", async () => {
  const scene = new Scene();
  const { config, finish } = sidecar(scene);
  const datadog = await scene.datadog();
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) }, ...config });
  scene.write("app.log", "one\n");
  await eventually("the first line", agent, () => datadog.indexed === 1);
  scene.write("app.log", "two\nunfinished");
  finish();
  expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
  expect(datadog.items.map(({ message }) => message)).toEqual(["one", "two", "unfinished"]);
});

test("a file that is there at the start ends the agent when it has shipped what there is", async () => {
  const scene = new Scene();
  const { config, finish } = sidecar(scene);
  const datadog = await scene.datadog();
  scene.write("app.log", "one\n");
  finish();
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) }, ...config });
  expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });
  expect(datadog.indexed).toBe(1);
});

test.each([
  ["0", {}, 0],
  ["75 with failOnUndelivered", { failOnUndelivered: true }, 75],
])("what a dead sink has not got is told, and the exit code is %s", async (_name, option, code) => {
  const scene = new Scene();
  const { config, finish } = sidecar(scene);
  const splunk = await scene.splunk();
  splunk.respond = () => ({ status: 503 });
  scene.write("app.log", "one\n");
  const agent = scene.agent({ sinks: { splunk: splunkSink(splunk) }, ...config, ...option });
  await eventually("a refusal", agent, () => splunk.requests > 0);
  finish();
  expect(await agent.waitExit(60_000)).toEqual({ code, signal: null });
  expect(agent.stderr).toContain('"event":"sink.undelivered"');
});

test("a SIGTERM that comes with the file does not cut the end short, the next one does", async () => {
  const scene = new Scene();
  const { config, finish } = sidecar(scene);
  const datadog = await scene.datadog();
  datadog.respond = () => ({ status: 503 });
  const shutdown = { quietPeriod: "250ms", lastChance: "20s" };
  scene.write("app.log", "one\n");
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) }, ...config, shutdown });
  await eventually("a refusal", agent, () => datadog.requests > 0);
  finish();
  await eventually("the end to begin", agent, () => agent.stderr.includes("draining"));
  agent.signal("SIGTERM");
  const [before, beganMs] = [datadog.requests, performance.now()];
  // Signals that follow each other within half a second count as one.
  const isAnother = (): boolean => performance.now() - beganMs > 1_000;
  await eventually("further attempts", agent, () => datadog.requests > before + 3 && isAnother());
  expect((await agent.terminate()).tookMs).toBeLessThan(2_000);
});
