import { join } from "node:path";
import { expect, test } from "vitest";
import { datadogSink, eventually, Scene, splunkSink } from "../support/scene.ts";
import { stdoutRecords } from "../support/stdout-records.ts";

/** A whole minute within what Datadog takes. */
const AT_MS = Math.floor(Date.now() / 60_000) * 60_000 - 60_000;

const SECRETS = ["4111 1111 1111 1111", "ann@example.org", "s3cr3tT0ken", "078-05-1120", "hunter2"];

const json = (afterMs: number, fields: object): string =>
  JSON.stringify({ time: new Date(AT_MS + afterMs).toISOString(), level: "info", ...fields });

const LINES = [
  json(0, { msg: `paid with ${SECRETS[0]}`, logger: "pay" }),
  json(1, { msg: "served", path: "/healthz/live", logger: "http" }),
  json(2, { msg: "mail", to: SECRETS[1], logger: "mail" }).replace("@", String.raw`\u0040`),
  json(3, { msg: "login", password: SECRETS[4], usr: 7, logger: "auth" }).replace("}", ',"big":12345678901234567890}'),
  json(4, { msg: "noise", logger: "verbose", level: "debug" }),
  `plain text with Bearer ${SECRETS[2]} and ssn ${SECRETS[3]}`,
  ...Array.from({ length: 30 }, (_, index) => json(100 + index, { msg: `burst ${index}`, logger: "burst" })),
  json(2_000, { msg: "after the burst", logger: "burst" }),
];

const transforms = [
  { redact: { patterns: ["creditCard", "email", "bearerToken", { matches: String.raw`\d{3}-\d{2}-\d{4}` }] } },
  { drop: { where: { field: "attributes.path", matches: "^/healthz" } } },
  {
    keep: {
      where: {
        any: [
          { field: "severity", above: "debug" },
          { field: "severity", exists: false },
        ],
      },
    },
  },
  { remove: { fields: ["attributes.password"] } },
  { rename: { fields: { "attributes.usr": "attributes.user.id" } } },
  { set: { fields: { "attributes.team": "pay" }, where: { field: "attributes.logger", equals: "pay" } } },
  { sample: { rate: 0, where: { field: "message", equals: "burst 29" } } },
  { throttle: { limit: 5, per: "1s", key: "attributes.logger" }, sources: ["app"] },
];

test("all transforms together: every sink gets the same records, no secret is anywhere, and the account balances", async () => {
  const scene = new Scene();
  const datadog = await scene.datadog();
  const splunk = await scene.splunk({ indexes: ["main"] });
  scene.write("app.log", `${LINES.join("\n")}\n${json(2_001, { msg: "unfinished", path: "/healthz" })}`);
  const agent = scene.agent({
    sources: { app: { include: [join(scene.logs, "*.log")] } },
    transforms,
    sinks: { datadog: datadogSink(datadog), splunk: splunkSink(splunk), console: { type: "stdout" } },
  });
  // paid, mail, login, plain, 5 of the burst, told at 1 and 10, at the end of the window, and after it.
  const total = 4 + 5 + 2 + 2;
  await eventually("all records", agent, () => datadog.indexed >= total && splunk.indexed >= total);
  expect((await agent.terminate()).code).toBe(0);

  const messages = datadog.items.map(({ message }) => message);
  const records = stdoutRecords(agent.stdout);
  const sent = [messages.join("\n"), JSON.stringify(splunk.events), agent.stdout].join("\n");
  for (const secret of SECRETS) expect(sent).not.toContain(secret);
  expect([messages.length, splunk.events.length, records.length]).toEqual([total, total, total]);
  expect(records.map(({ message }) => message.replace(/ beyond .*/, ""))).toEqual([
    "paid with [redacted]",
    "mail",
    "login",
    "plain text with Bearer [redacted] and ssn [redacted]",
    ...[0, 1, 2, 3, 4].map((index) => `burst ${index}`),
    'held back 1 record with attributes.logger "burst"',
    'held back 10 records with attributes.logger "burst"',
    // One of the 25 that are left was sampled away before.
    'held back 24 records with attributes.logger "burst"',
    "after the burst",
  ]);
  expect(records[0]?.attributes).toMatchObject({ team: "pay" });
  expect(messages.find((message) => message.includes("login"))).toContain(
    ',"big":12345678901234567890,"user":{"id":7}}',
  );

  const accounts = agent.log().filter(({ message }) => message.startsWith("account of"));
  const size =
    Buffer.byteLength(`${LINES.join("\n")}\n`) +
    Buffer.byteLength(json(2_001, { msg: "unfinished", path: "/healthz" }));
  expect(accounts).toHaveLength(3);
  for (const { message } of accounts) {
    expect(message).toContain(`${size} bytes = `);
    expect(message).toMatch(/pending 0.*balanced$/);
  }
  expect(new Set(accounts.map(({ message }) => message.replace(/^account of \w+: /, ""))).size).toBe(1);
});
