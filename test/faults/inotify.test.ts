import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { datadogSink, eventually, Scene } from "../support/scene.ts";

/** Runs a command as a user who may have so many of something of inotify's: a user namespace has limits of its own. */
const limited = (limit: string, value: number): readonly string[] => {
  const script = `echo ${value} > /proc/sys/user/${limit} && exec "$@"`;
  return ["--user", "--map-root-user", "sh", "-c", script, "sh"];
};

test.for([
  { limit: "max_inotify_watches", value: 2, what: "watches for two directories" },
  { limit: "max_inotify_instances", value: 0, what: "none at all" },
])("where inotify has $what, it polls, says so once, and finds lines and files", async ({ limit, value }, context) => {
  const options = limited(limit, value);
  context.skip(spawnSync("unshare", [...options, "true"]).status !== 0, "user namespaces are not to be had here");
  const scene = new Scene();
  const names = ["a", "b", "c", "d"];
  for (const name of names) mkdirSync(join(scene.logs, name));
  const datadog = await scene.datadog();
  const sources = { app: { include: [join(scene.logs, "*/*.log")], format: "raw" } };
  for (const name of names) scene.write(`${name}/old.log`, `${name} one\n`);
  const agent = scene.agent(
    { sources, sinks: { datadog: datadogSink(datadog) } },
    { wrapper: ["unshare", ...options] },
  );
  await eventually("the first lines", agent, () => datadog.indexed === names.length);
  for (const name of names) scene.write(`${name}/old.log`, `${name} two\n`);
  await eventually("the next lines", agent, () => datadog.indexed === 2 * names.length, 20_000);
  for (const name of names) scene.write(`${name}/new.log`, `${name} three\n`);
  await eventually("lines of new files", agent, () => datadog.indexed === 3 * names.length, 20_000);
  expect((await agent.terminate()).code).toBe(0);
  expect(agent.log().filter(({ message }) => message.startsWith("no events for all changes"))).toHaveLength(1);
});
