import { expect, test } from "vitest";
import { Secret } from "../../../src/core/secret.ts";
import { datadogSchema } from "../../../src/sinks/datadog/config.ts";
import { datadog } from "../../../src/sinks/datadog/sink.ts";
import { DatadogIntake, type DatadogItem } from "../../support/datadog-intake.ts";
import { reply, startServer } from "../http/server.ts";
import { bodyOf, context, createSink, never, record } from "../support.ts";

const messages = (items: readonly DatadogItem[]): string[] => items.map(({ message }) => message);

test.each(["gzip", "none"])("a batch arrives as it was read (%s)", async (compression) => {
  const intake = await new DatadogIntake({ apiKey: "key" }).listen();
  const options = { apiKey: "key\n", endpoint: intake.endpoint, ddsource: "nodejs", compression };
  const sink = createSink(datadog, options);
  const lines = Array.from({ length: 1_000 }, (_, i) => `{"level":"info","n":${i},"text":"é\u2028"}`);
  expect(
    await sink.send(
      bodyOf(
        sink,
        lines.map((line) => record(line)),
      ),
      never(),
    ),
  ).toEqual({
    kind: "delivered",
  });
  expect(messages(intake.items)).toEqual(lines);
  expect(intake.items[0]).toMatchObject({ ddsource: "nodejs", service: "checkout", hostname: "pod-1" });
  expect(intake.violations).toEqual([]);
  await sink.close();
  await intake.close();
});

test("the request says who sends it", async () => {
  await using server = await startServer([reply(202)]);
  const sink = createSink(datadog, { apiKey: "key", endpoint: server.url });
  await sink.send(bodyOf(sink, [record("m")]), never());
  expect(server.seen).toMatchObject([
    {
      path: "/api/v2/logs",
      headers: {
        "dd-api-key": "key",
        "dd-evp-origin": "tailcar",
        "dd-evp-origin-version": "0.1.0",
        "content-type": "application/json",
        "content-encoding": "gzip",
        "user-agent": "tailcar/0.1.0",
      },
    },
  ]);
  await sink.close();
});

test("the limits are those of the intake, or lower", () => {
  const vendor = { maxRecords: 1_000, maxBytes: 5_000_000, maxRecordBytes: 1_000_000, maxAgeMs: 1_000 };
  expect(createSink(datadog, { apiKey: "k" }).limits).toEqual(vendor);
  const batch = { maxRecords: 10, maxBytes: "100kB", maxAge: "5s" };
  const lowered = { maxRecords: 10, maxBytes: 100_000, maxRecordBytes: 100_000, maxAgeMs: 5_000 };
  expect(createSink(datadog, { apiKey: "k", batch }).limits).toEqual(lowered);
});

test("a key that was replaced is used after a refresh", async () => {
  const intake = await new DatadogIntake({ apiKey: "new" }).listen();
  let key = "old";
  const options = datadogSchema.parse({ apiKey: "x", endpoint: intake.endpoint });
  const sink = datadog.create({ ...options, apiKey: new Secret(key, () => key) }, context());
  const body = bodyOf(sink, [record("m")]);
  expect(await sink.send(body, never())).toMatchObject({ kind: "blocked" });
  key = "new";
  await sink.refresh?.();
  expect(await sink.send(body, never())).toEqual({ kind: "delivered" });
  await sink.close();
  await intake.close();
});

test("a reply that repeats the key does not bring it into a reason", async () => {
  await using server = await startServer([reply(403, '{"errors":["bad key s3cret-key"]}')]);
  const sink = createSink(datadog, { apiKey: "s3cret-key", endpoint: server.url });
  const outcome = await sink.send(bodyOf(sink, [record("m")]), never());
  expect(outcome.kind).toBe("blocked");
  expect(JSON.stringify(outcome)).not.toContain("s3cret");
  await sink.close();
});

test("a key that no header can carry blocks the sink and stays unsaid", async () => {
  const sink = createSink(datadog, { apiKey: "s3cret\nkey", endpoint: "http://127.0.0.1:1" });
  const outcome = await sink.send(bodyOf(sink, [record("m")]), never());
  expect(outcome.kind).toBe("blocked");
  expect(JSON.stringify(outcome)).not.toContain("s3cret");
  await sink.close();
});
