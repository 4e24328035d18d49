import { truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { datadogSink, eventually, Scene } from "../support/scene.ts";

async function audit(scene: Scene, ...args: readonly string[]) {
  const run = scene.run(["audit", "-c", join(scene.dir, "tailcar.yaml"), ...args]);
  const { code } = await run.waitExit(60_000);
  return { code, text: run.stdout, stderr: run.stderr };
}

test("beside a running agent it shows what is delivered and pending, and all is well", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  scene.write("app.log", "one\n\ntwo\nunfin");
  const agent = scene.agent({ sinks: { datadog: datadogSink(datadog) }, checkpoints: { interval: "50ms" } });
  await eventually("both lines", agent, () => datadog.indexed === 2);
  const { code, text } = await audit(scene, "--json");
  const report: Record<string, unknown> = JSON.parse(text);
  expect([code, report]).toMatchObject([
    0,
    {
      stateDir: scene.state,
      ok: true,
      losses: [],
      damagedLines: [],
      sinks: [{ name: "datadog", configured: true, account: { totalBytes: 14, imbalanceBytes: 0, unbalanced: [] } }],
    },
  ]);
  expect(agent.exit).toBeUndefined();
  expect((await agent.terminate()).code).toBe(0);
  const after = await audit(scene);
  expect(after.code).toBe(0);
  expect(after.text).toContain(
    "14 bytes = delivered 13 + filtered 1 + deadLettered 0 + lost 0 + skipped 0 + pending 0",
  );
});

test("needs no configuration, and so no secrets, if it is told the state directory", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  scene.write("app.log", "one\n");
  const config = { sinks: { datadog: datadogSink(datadog) } };
  expect((await scene.agent(config, { args: ["--once"] }).waitExit(60_000)).code).toBe(0);
  const run = scene.run(["audit", "--state-dir", scene.state]);
  expect((await run.waitExit(60_000)).code).toBe(0);
  expect(run.stdout).toMatch(/account of datadog: 4 bytes = delivered 4 .*; balanced\nnothing was lost/);
  const both = scene.run(["audit", "--state-dir", scene.state, "-c", join(scene.dir, "tailcar.yaml")]);
  const neither = scene.run(["audit"]);
  expect([await both.waitExit(60_000), await neither.waitExit(60_000)]).toMatchObject([{ code: 2 }, { code: 2 }]);
  expect(neither.stderr).toMatch(/-c or --state-dir/);
});

test("a loss is listed with file, range, reason and time, and the exit code is 1", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  datadog.respond = () => ({ status: 503 });
  scene.write("app.log", "one\ntwo\n");
  const config = { sinks: { datadog: datadogSink(datadog) }, checkpoints: { interval: "50ms" } };
  const first = scene.agent(config);
  await eventually("a refusal", first, () => datadog.requests > 0);
  await first.terminate();
  truncateSync(join(scene.logs, "app.log"), 0);
  scene.write("app.log", "new\n");
  datadog.respond = () => undefined;
  const second = scene.agent(config);
  await eventually("the new line", second, () => datadog.indexed === 1);
  expect((await second.terminate()).code).toBe(0);

  const human = await audit(scene);
  expect(human.code).toBe(1);
  expect(human.text).toMatch(
    new RegExp(
      `lost for datadog: bytes 0 to 8 of ${join(scene.logs, "app.log")}, generation 1: truncated.*; at 20\\d\\d-`,
    ),
  );
  const { code, text } = await audit(scene, "--json");
  const { losses, sinks }: Record<string, unknown> = JSON.parse(text);
  expect([code, losses, sinks]).toMatchObject([
    1,
    [{ sink: "datadog", path: join(scene.logs, "app.log"), generation: 1, from: 0, to: 8, bytes: 8 }],
    [{ account: { totalBytes: 12, deliveredBytes: 4, lostBytes: 8, pendingBytes: 0, imbalanceBytes: 0 } }],
  ]);
});

test("skipped and abandoned bytes are part of the account; a removed sink stays in it", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const down = await scene.datadog();
  down.respond = () => ({ status: 503 });
  scene.write("app.log", "old one\nold two\n");
  const sources = { app: { include: [join(scene.logs, "*.log")], startAt: "end" } };
  const checkpoints = { interval: "50ms" };
  const sinks = { datadog: datadogSink(datadog), down: datadogSink(down) };
  const first = scene.agent({ sources, sinks, checkpoints });
  await eventually("it runs", first, () => first.stderr.includes("running"));
  scene.write("app.log", "new\n");
  await eventually("the new line", first, () => datadog.indexed === 1 && down.requests > 0);
  expect((await first.terminate()).code).toBe(75);

  const second = scene.agent({ sources, sinks: { datadog: datadogSink(datadog) }, checkpoints });
  await eventually("the sink is given up", second, () => second.stderr.includes("sink.abandoned"));
  expect((await second.terminate()).code).toBe(0);
  const { code, text } = await audit(scene, "--json");
  const report: Record<string, unknown> = JSON.parse(text);
  expect([code, report]).toMatchObject([
    0,
    {
      sinks: [
        { name: "datadog", account: { totalBytes: 20, skippedBytes: 16, deliveredBytes: 4, imbalanceBytes: 0 } },
        {
          name: "down",
          configured: false,
          account: { totalBytes: 20, skippedBytes: 16, abandonedBytes: 4, pendingBytes: 0, imbalanceBytes: 0 },
        },
      ],
    },
  ]);
});

test("a directory without checkpoints is an error", async () => {
  const scene = new Scene();
  const agent = scene.run([
    "run",
    "--include",
    join(scene.logs, "*.log"),
    "--sink",
    "stdout",
    "--state-dir",
    scene.state,
    "--once",
  ]);
  await agent.waitExit(60_000);
  const datadog = await scene.datadog();
  const other = new Scene();
  const never = other.agent({ sinks: { datadog: datadogSink(datadog) } });
  await never.kill9();
  const { code, stderr } = await audit(other);
  expect([code, stderr]).toEqual([1, expect.stringContaining("no checkpoints")]);
});
