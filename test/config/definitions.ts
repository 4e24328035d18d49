import { Writable } from "node:stream";
import { z } from "zod";
import { loadConfig, type ConfigFile } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problems.ts";
import type { Config } from "../../src/config/schema.ts";
import { duration, secret } from "../../src/core/options.ts";
import { defineSink, type SinkDefinition } from "../../src/core/sink-definition.ts";

const create = (): never => {
  throw new Error("the configuration makes no sinks");
};

/** Small sinks with one option of every kind that matters here. */
export const definitions: readonly SinkDefinition[] = [
  defineSink({
    type: "datadog",
    schema: z.strictObject({
      site: z
        .string()
        // Quotes what it was given, as a careless schema may.
        .refine((site) => site.includes("."), { error: ({ input }) => `${String(input)} is no site` })
        .prefault("datadoghq.com")
        .describe("Site."),
      apiKey: secret().describe("Key."),
      tags: z.array(z.string().min(1)).prefault([]).describe("Tags."),
      timeout: z.strictObject({ connect: duration().prefault("10s") }).prefault({}),
      level: z.int().min(1).max(9).prefault(1),
    }),
    create,
  }),
  defineSink({
    type: "splunkHec",
    schema: z.strictObject({
      endpoint: z.url(),
      token: secret(),
      acknowledge: z.boolean().prefault(false),
      index: z.string().optional(),
      headers: z.record(z.string(), secret()).prefault({}),
      match: z.union([z.enum(["all", "none"]), z.strictObject({ field: z.string() })]).prefault("all"),
    }),
    create,
  }),
  defineSink({
    type: "stdout",
    schema: z.strictObject({ format: z.enum(["ndjson", "raw"]).prefault("ndjson") }),
    create,
  }),
];

export interface World {
  readonly env?: Record<string, string>;
  /** Content by absolute path. */
  readonly files?: Record<string, string>;
}

/** A world with nothing in it but what is given. `files` and `env` are looked up anew each time. */
export const world = ({ env = {}, files = {} }: World = {}): Omit<ConfigFile, "text" | "file"> => ({
  env,
  cwd: "/srv",
  sinks: definitions,
  readFile: (path) => {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(`open '${path}'`), { code: "ENOENT" });
    return content;
  },
});

export const load = (text: string, given?: World) => loadConfig({ text, file: "tailcar.yaml", ...world(given) });

/** The problems as they are printed. */
export function problemsOf(text: string, given?: World): string[] {
  const result = load(text, given);
  return result.ok ? [] : result.problems.map(formatProblem);
}

/** The configuration, or an error that prints what is wrong with it. */
export function configOf(text: string, given?: World): Config {
  const result = load(text, given);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.config;
}

/** Collects what is written. */
export function sinkhole(): { readonly stream: Writable; text(): string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join("") };
}
