import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reply, startServer } from "../sinks/http/server.ts";
import type { AgentProcess } from "../support/agent-process.ts";
import { eventually, Scene, splunkSink } from "../support/scene.ts";
import { credentials, pem } from "../support/certificates.ts";

const alarm = (agent: AgentProcess, words: string): boolean =>
  agent.log().some(({ level, line }) => level === "error" && line.includes("sink.blocked") && line.includes(words));

/** As Kubernetes and cert-manager do it: the new file takes the place of the old one. */
function replace(path: string, put: (path: string) => void): void {
  put(`${path}.new`);
  renameSync(`${path}.new`, path);
}

test("a wrong token in a file holds the data, and the right one goes on without a restart", async () => {
  const scene = new Scene();
  const splunk = await scene.splunk();
  const { token, ...sink } = splunkSink(splunk);
  const file = join(scene.dir, "token");
  writeFileSync(file, "a-wrong-token\n");
  scene.write("app.log", "one\ntwo\n");
  const agent = scene.agent({ sinks: { splunk: { ...sink, token: `\${file:${file}}` } } });
  await eventually("an alarm", agent, () => alarm(agent, "Invalid token"));
  scene.write("app.log", "three\n");
  expect(splunk.indexed).toBe(0);
  replace(file, (path) => writeFileSync(path, `${token}\n`));
  await eventually("all lines", agent, () => splunk.indexed >= 3);
  expect(splunk.events.map(({ event }) => event)).toEqual(["one", "two", "three"]);
  expect(agent.log().every(({ line }) => !line.includes("a-wrong-token") && !line.includes(token))).toBe(true);
  expect((await agent.terminate()).code).toBe(0);
});

test("a certificate that is not trusted holds the data, and the right authority goes on without a restart", async () => {
  const scene = new Scene();
  await using server = await startServer([reply(202)], credentials("server"));
  const ca = join(scene.dir, "ca.pem");
  copyFileSync(pem("expired.pem"), ca);
  scene.write("app.log", "one\n");
  const sink = { type: "datadog", apiKey: "datadog-key", endpoint: server.url, tls: { ca }, compression: "none" };
  const agent = scene.agent({ sinks: { datadog: sink } });
  await eventually("an alarm", agent, () => alarm(agent, "certificate"));
  expect(server.seen).toEqual([]);
  replace(ca, (path) => copyFileSync(pem("ca.pem"), path));
  await eventually("the line", agent, () => server.seen.length > 0);
  expect(String(server.seen[0]?.body)).toContain('"message":"one"');
  expect((await agent.terminate()).code).toBe(0);
});

test("a certificate that is not looked at is warned of at each start", async () => {
  const scene = new Scene();
  const sink = { type: "datadog", apiKey: "k", endpoint: "https://127.0.0.1:1", tls: { insecureSkipVerify: true } };
  for (let start = 1; start <= 2; start += 1) {
    const agent = scene.agent({ sinks: { datadog: sink } });
    await eventually("the warning", agent, () =>
      agent.log().some(({ level, line }) => level === "warn" && line.includes("insecureSkipVerify")),
    );
    expect((await agent.terminate()).code).toBe(0);
  }
});
