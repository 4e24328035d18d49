import { describe, expect, test } from "vitest";
import { z } from "zod";
import { datadogSchema } from "../../../src/sinks/datadog/config.ts";
import { sinkDefinitions } from "../../../src/sinks/registry.ts";
import { splunkHecSchema } from "../../../src/sinks/splunk-hec/config.ts";

const problems = (schema: z.ZodType, options: unknown): string[] =>
  schema.safeParse(options).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

describe("options", () => {
  test("a credential is all that Datadog needs", () => {
    expect(datadogSchema.parse({ apiKey: "k" })).toMatchObject({
      site: "datadoghq.com",
      ddsource: "tailcar",
      tags: [],
      batch: { maxRecords: 1_000, maxBytes: 5_000_000, maxAge: 1_000 },
      concurrency: { min: 1, max: 8 },
      timeout: { connect: 10_000, response: 30_000, total: 60_000 },
      compression: "gzip",
      compressionLevel: 1,
    });
  });

  test("Splunk stays under 1 MB by default", () => {
    const options = splunkHecSchema.parse({ endpoint: "https://splunk:8088", token: "t" });
    expect(options).toMatchObject({ batch: { maxBytes: 1_000_000 }, fields: {} });
    expect(options.endpoint).toBe("https://splunk:8088/services/collector/event");
  });

  test.each([
    [{ batch: { maxRecords: 1_001 } }, "batch.maxRecords: expected at most 1000: Datadog refuses more in one request"],
    [{ batch: { maxBytes: "6MB" } }, "batch.maxBytes: expected at most 5000000B: Datadog refuses more in one request"],
    [{ batch: { maxBytes: "1KiB" } }, "batch.maxBytes: expected at least 16384B, to hold any one record"],
    [{ batch: { maxAge: "soon" } }, "batch.maxAge: expected a duration with its unit, like 250ms, 1.5s, 10m or 2h"],
    [{ timeout: { connect: "0s" } }, "timeout.connect: must be at least 100ms"],
    [{ timeout: { response: "0s" } }, "timeout.response: must be at least 100ms"],
    [{ timeout: { total: "99ms" } }, "timeout.total: must be at least 100ms"],
    [{ timeout: { total: "600h" } }, "timeout.total: must be at most 24h"],
    [{ site: "https://app.datadoghq.eu/" }, "site: expected the name of a Datadog site, like datadoghq.eu"],
    [{ endpoint: "ftp://i" }, "endpoint: expected a URL that begins with https:// or http://, or unix:/SOCKET:/PATH"],
    [{ endpoint: "unix:i" }, "endpoint: expected a URL that begins with https:// or http://, or unix:/SOCKET:/PATH"],
    ...["https:/splunk", "https//splunk", "http//splunk:8088", "https;//splunk", "ht!tp://splunk"].map(
      (endpoint): [object, string] => [
        { endpoint },
        "endpoint: expected a URL that begins with https:// or http://, or unix:/SOCKET:/PATH",
      ],
    ),
    [{ endpoint: "u:p@x" }, "endpoint: expected a URL without credentials, for a URL may be shown"],
    [{ proxy: "squid:3128" }, "proxy: expected http://HOST:PORT, https://HOST:PORT or none"],
    [{ proxy: "socks5://squid" }, "proxy: expected http://HOST:PORT, https://HOST:PORT or none"],
    ...["content-length", "Host", "Transfer-Encoding", "a b", ""].map((name): [object, string] => [
      { headers: { [name]: "x" } },
      `headers.${name}: Invalid key in record`,
    ]),
  ])("%j is refused", (options, problem) => {
    expect(problems(datadogSchema, { apiKey: "k", ...options })).toEqual([problem]);
  });

  test.each(["ackInterval", "ackTimeout"])("no time at all for %s is refused", (name) => {
    const options = { token: "t", endpoint: "https://splunk:8088", [name]: "0s" };
    expect(problems(splunkHecSchema, options)).toEqual([`${name}: must be at least 100ms`]);
  });

  test("the raw endpoint of Splunk is refused", () => {
    const options = { token: "t", endpoint: "https://splunk:8088/services/collector/raw" };
    expect(problems(splunkHecSchema, options)).toEqual(["endpoint: expected the event endpoint, not the raw one"]);
  });

  test.each([
    ["https://proxy", "https://proxy/api/v2/logs"],
    ["https://proxy/", "https://proxy/api/v2/logs"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v2/logs"],
    ["https://proxy/datadog?team=a", "https://proxy/datadog?team=a"],
    ["intake.example:443", "https://intake.example/api/v2/logs"],
    ["intake.example:8443/x", "https://intake.example:8443/x"],
    ["https://[fd38::1]:8080", "https://[fd38::1]:8080/api/v2/logs"],
    ["unix:/run/intake.sock", "unix:/run/intake.sock:/api/v2/logs"],
    ["unix:/run/intake.sock:/", "unix:/run/intake.sock:/api/v2/logs"],
    ["unix:/run/intake.sock:/own?x=1", "unix:/run/intake.sock:/own?x=1"],
  ])("endpoint %s becomes %s", (endpoint, expected) => {
    expect(datadogSchema.parse({ apiKey: "k", endpoint }).endpoint).toBe(expected);
  });
});

describe.each(sinkDefinitions.map((definition) => [definition.type, definition] as const))(
  "%s",
  (_type, { schema }) => {
    test("has a JSON Schema in which every option is described", () => {
      const undescribed: string[] = [];
      const walk = (node: unknown, path: string): void => {
        if (typeof node !== "object" || node === null || !("properties" in node)) return;
        for (const [name, option] of Object.entries(node.properties ?? {})) {
          if (typeof option !== "object" || !("description" in option)) undescribed.push(`${path}${name}`);
          walk(option, `${path}${name}.`);
        }
      };
      walk(z.toJSONSchema(schema, { io: "input" }), "");
      expect(undescribed).toEqual([]);
    });

    test("refuses an option it does not know", () => {
      expect(schema.safeParse({ surprise: 1 }).error?.issues.some(({ code }) => code === "unrecognized_keys")).toBe(
        true,
      );
    });
  },
);
