import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { describeConfig, jsonSchema } from "../../src/config/describe.ts";
import { loadConfig } from "../../src/config/load.ts";
import { sinkDefinitions } from "../../src/sinks/registry.ts";
import { configOf, definitions, load, world } from "./definitions.ts";

const TEXT = `
sources: {app: {include: [/logs/*.log], maxRecordBytes: 100001B}}
sinks: {out: {type: stdout}}
shutdown: {quietPeriod: 0s, timeout: 90s, lastChance: 1.5s}
memory: {maxBuffered: 1536KiB}
`;

/** Reads a file that may use every built-in sink. */
const read = (text: string) => {
  const result = loadConfig({ ...world(), text, file: "tailcar.yaml", sinks: sinkDefinitions });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
};

describe("describeConfig", () => {
  test("has the shape and the units of the file", () => {
    expect(describeConfig(configOf(TEXT))).toEqual({
      stateDir: "/var/lib/tailcar",
      resource: { attributes: {} },
      sources: {
        app: {
          include: ["/logs/*.log"],
          stdin: false,
          exclude: [],
          format: "auto",
          startAt: "beginning",
          encoding: "utf-8",
          multiline: "auto",
          maxRecordBytes: "100001B",
          maxRecordLines: 5_000,
          flushAfter: "1s",
          allowedRoots: [],
          rotated: { grace: "1m", dirs: [], maxHeldBytes: "512MiB", policy: "release" },
        },
      },
      transforms: [],
      sinks: { out: { type: "stdout", format: "ndjson" } },
      shutdown: { quietPeriod: "0s", timeout: "90s", lastChance: "1500ms" },
      failOnUndelivered: false,
      memory: { maxBuffered: "1536KiB" },
      maxOpenFiles: 1024,
      stdin: { maxBuffered: "256MiB" },
      checkpoints: { interval: "1s", compactAt: "1MiB" },
      deadLetters: { maxBytes: "64MiB", full: "block" },
      log: { level: "info", format: "auto" },
    });
  });

  test("is a configuration itself: read again it is the same, with every built-in sink", () => {
    const config = read(`
sources: {app: {include: [/logs/*.log], ignoreOlder: 10m}}
shutdown: {spillTo: o}
sinks:
  d: {type: datadog, apiKey: k}
  s: {type: splunkHec, endpoint: 'https://s:8088', token: t, retry: {giveUpAfter: 2h}}
  o: {type: stdout}
`);
    expect(JSON.stringify(read(stringify(describeConfig(config))))).toBe(JSON.stringify(config));
  });
});

describe("jsonSchema", () => {
  test("says of each sink what it takes, flat beside its type, and nothing else", () => {
    expect(jsonSchema(definitions)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      additionalProperties: false,
      required: ["sources", "sinks"],
      properties: {
        stateDir: { type: "string", default: "/var/lib/tailcar" },
        sinks: {
          minProperties: 1,
          additionalProperties: {
            oneOf: [
              {
                title: "datadog",
                // Not apiKey: DD_API_KEY may give it.
                required: ["type"],
                additionalProperties: false,
                properties: {
                  type: { const: "datadog" },
                  site: { type: "string", default: "datadoghq.com", description: "Site." },
                  timeout: { properties: { connect: { type: "string", default: "10s" } } },
                  level: { default: 1, anyOf: [{ type: "integer", minimum: 1, maximum: 9 }, { pattern: "\\$\\{" }] },
                },
              },
              { title: "splunkHec", required: ["type"] },
              { title: "stdout", properties: { format: { default: "ndjson" } } },
            ],
          },
        },
        shutdown: { default: {}, properties: { quietPeriod: { default: "2s" } } },
      },
    });
  });

  test("documents every option of every built-in sink", () => {
    const undocumented: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      if ("properties" in node && typeof node.properties === "object" && node.properties !== null) {
        for (const [name, option] of Object.entries(node.properties)) {
          // What is referred to has its description with it.
          if (!("description" in option || "$ref" in option)) undocumented.push(`${path}.${name}`);
        }
      }
      for (const [key, child] of Object.entries(node)) visit(child, `${path}.${key}`);
    };
    visit(jsonSchema(sinkDefinitions), "");
    expect(undocumented).toEqual([]);
  });

  test("names defaults that are the defaults", () => {
    const implicit = configOf("sources: {a: {include: [/l/x]}}\nsinks: {o: {type: stdout}}\n");
    const explicit = load(stringify(describeConfig(implicit)));
    expect(explicit).toMatchObject({ ok: true, config: implicit });
  });
});
