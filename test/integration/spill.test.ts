import { expect, test } from "vitest";
import { datadogSink, eventually, Scene } from "../support/scene.ts";

test("what a dead sink has not got goes to the sink that stands in, once, and is told", async () => {
  const scene = new Scene();
  const healthy = await scene.datadog();
  const dead = await scene.datadog();
  dead.respond = () => ({ status: 503 });
  const sinks = {
    healthy: datadogSink(healthy),
    dead: datadogSink(dead),
    console: { type: "stdout", format: "raw" },
  };
  const config = { sinks, checkpoints: { interval: "50ms" } };
  const shutdown = { quietPeriod: "250ms", timeout: "5s", spillTo: "console" };
  scene.write("app.log", "one\n\ntwo\n");
  const agent = scene.agent({ ...config, shutdown });
  await eventually("a refusal", agent, () => healthy.indexed === 2 && dead.requests > 0);
  expect(agent.stdout).toBe("");
  scene.write("app.log", "three\nunfinished");
  const { code, tookMs } = await agent.terminate();
  expect([code, agent.stdout]).toEqual([0, "one\ntwo\nthree\nunfinished\n"]);
  expect(tookMs).toBeLessThan(5_500);
  expect(agent.stderr).toContain('"event":"sink.spilled"');
  expect(agent.stderr).toMatch(/account of dead: 25 bytes = delivered 0 \+ filtered 1 .* spilled 24; .*balanced/);

  // The next start goes on behind it.
  dead.respond = () => undefined;
  scene.write("late.log", "four\n");
  const next = scene.agent({ ...config, shutdown });
  await eventually("the new line", next, () => dead.indexed === 1);
  expect((await next.terminate()).code).toBe(0);
  expect([dead.items.map(({ message }) => message), next.stdout]).toEqual([["four"], ""]);
});

test("a sink that is well is not spilled: its unfinished last line stays its own", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const sinks = { datadog: datadogSink(datadog), console: { type: "stdout", format: "raw" } };
  scene.write("app.log", "one\nunfinished");
  const agent = scene.agent({ sinks, shutdown: { quietPeriod: "250ms", spillTo: "console" } });
  await eventually("the line", agent, () => datadog.indexed === 1);
  expect((await agent.terminate()).code).toBe(0);
  expect([datadog.items.map(({ message }) => message), agent.stdout]).toEqual([["one", "unfinished"], ""]);
});

test("what can't be spilled either, because nobody reads there, is still owed", async () => {
  const scene = new Scene();
  const dead = await scene.datadog();
  dead.respond = () => ({ status: 503 });
  const sinks = { dead: datadogSink(dead), console: { type: "stdout", format: "raw" } };
  scene.write("app.log", "one\n");
  const wrapper = ["bash", "-c", 'exec "$@" > >(exec true)', "bash"];
  const shutdown = { quietPeriod: "250ms", timeout: "5s", spillTo: "console" };
  const agent = scene.agent({ sinks, shutdown }, { wrapper });
  await eventually("a refusal", agent, () => dead.requests > 0);
  expect((await agent.terminate()).code).toBe(75);
  expect(agent.stderr).toMatch(/"event":"sink.undelivered".*"sink":"dead"/);
});
