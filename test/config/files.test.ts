import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { schemaCommand } from "../../src/commands/schema.ts";
import { jsonSchema } from "../../src/config/describe.ts";
import { loadConfig } from "../../src/config/load.ts";
import { sinkDefinitions } from "../../src/sinks/registry.ts";
import { sinkhole, world } from "./definitions.ts";

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../config/${name}`, import.meta.url)), "utf8");

describe("config/tailcar.yaml", () => {
  test("is valid once its secrets are there", () => {
    const result = loadConfig({
      ...world({ env: { DD_API_KEY: "k" }, files: { "/run/secrets/splunk-hec-token": "t\n" } }),
      text: read("tailcar.yaml"),
      file: "tailcar.yaml",
      sinks: sinkDefinitions,
    });
    expect(result).toMatchObject({ ok: true });
  });

  test("is valid by the JSON Schema, as an editor sees it", () => {
    const schema = z.fromJSONSchema(jsonSchema(sinkDefinitions));
    expect(schema.safeParse(parse(read("tailcar.yaml"))).error).toBe(undefined);
    expect(schema.safeParse({ ...Object(parse(read("tailcar.yaml"))), unknown: 1 }).success).toBe(false);
  });
});

test("config/schema.json is what `npm run schema` makes", async () => {
  const stdout = sinkhole();
  const io = { stdout: stdout.stream, stderr: sinkhole().stream, env: {}, cwd: "/", sinks: sinkDefinitions };
  expect(await schemaCommand(io)).toBe(0);
  expect(read("schema.json")).toBe(stdout.text());
});
