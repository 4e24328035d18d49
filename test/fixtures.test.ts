import { copyFileSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PROJECT } from "./support/agent-process.ts";
import { isObject } from "./support/json-stream.ts";
import { Scene } from "./support/scene.ts";
import { stdoutRecords } from "./support/stdout-records.ts";

const FIXTURES = join(PROJECT, "fixtures");

/** The fixtures were made in this month. */
const WRITTEN = new Date("2026-11-30T00:00:00Z");

interface Expected {
  readonly offset: number;
  /** Bytes in the file, the line's end included. */
  readonly length: number;
  readonly body: string;
  /** Of a JSON line, where the application wrote them. Without a message of its own the body is the message. */
  readonly timestamp?: string;
  readonly severity?: string;
  readonly message?: string;
  /** What the format found in a line that is no JSON object. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** The format that the source names, where the record is not of it. */
  readonly unparsed?: string;
}

interface Case {
  /** Names, or a format with its options. */
  readonly formats: readonly (string | Readonly<Record<string, unknown>>)[];
  /** Each line is a JSON object, which must arrive as the record's attributes. */
  readonly isJson?: boolean;
  readonly records: readonly Expected[];
}

type Fixture = Omit<Case, "formats"> & { readonly format: Case["formats"][number] };

function read(name: string): { size: number; cases: Case[] } {
  const file: unknown = JSON.parse(readFileSync(join(FIXTURES, name, "expected.json"), "utf8"));
  if (!isObject(file) || !Array.isArray(file["cases"])) throw new Error(`${name}: no cases`);
  return { size: Number(file["size"]), cases: file["cases"] };
}

const nameOf = (format: string | object): string => (typeof format === "string" ? format : Object.keys(format).join());

const names = readdirSync(FIXTURES).filter((name) => name !== "generate" && name !== "multiline");
const table = names.flatMap((name) =>
  read(name).cases.flatMap((found) =>
    found.formats.map((format): readonly [string, string, Fixture] => [name, nameOf(format), { ...found, format }]),
  ),
);

test("the fixtures hold every application and every format", () => {
  expect(names.length).toBeGreaterThanOrEqual(20);
  expect(new Set(table.map(([, format]) => format))).toEqual(
    new Set(["raw", "json", "apache", "nginx", "syslog", "klog", "csv", "auto"]),
  );
  for (const name of names) {
    const { size, cases } = read(name);
    expect(readFileSync(join(FIXTURES, name, "input.log")).length).toBe(size);
    for (const { records } of cases) expect(records.length).toBeGreaterThan(3);
  }
});

/** The instant, so that any number of decimals may stand for it. */
const instant = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

test("each gives the expected records by each of its formats, all followed by one agent", async () => {
  const scene = new Scene();
  const fileOf = (name: string, format: string): string => join(scene.logs, `${name}-${format}.log`);
  for (const [name, format] of table) {
    copyFileSync(join(FIXTURES, name, "input.log"), fileOf(name, format));
    // Times without a year get it from here.
    utimesSync(fileOf(name, format), WRITTEN, WRITTEN);
  }
  const sources = Object.fromEntries(
    table.map(([name, title, { format }]) => [`${name}-${title}`, { include: [fileOf(name, title)], format }]),
  );
  const config = { resource: { service: "fixture", host: "pod-1" }, sources, sinks: { console: { type: "stdout" } } };
  const agent = scene.agent(config, { args: ["--once"] });
  expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });

  const shipped = Map.groupBy(stdoutRecords(agent.stdout), ({ file }) => file);
  expect(shipped.size).toBe(table.length);
  for (const [name, title, fixture] of table) {
    const file = fileOf(name, title);
    const found = shipped.get(file) ?? [];
    const resource = found[0]?.resource;
    expect(JSON.stringify(resource)).toMatch(/"fixture".*"pod-1"|"pod-1".*"fixture"/);
    expect
      .soft(
        found.map((record) => ({ ...record, timestamp: instant(record.timestamp) })),
        `${name} as ${title}`,
      )
      .toEqual(expectedOf(fixture).map((record) => ({ ...record, resource, file })));
  }
});

function expectedOf({ format, isJson, records }: Fixture) {
  // Text is marked where JSON was promised.
  const isPromised = format === "json" && isJson !== true;
  return records.map(
    ({
      offset,
      body,
      message = body,
      timestamp,
      severity,
      attributes = {},
      unparsed = isPromised ? "json" : undefined,
    }) => ({
      timestamp: instant(timestamp),
      severity,
      message,
      attributes: isJson === true ? JSON.parse(body) : attributes,
      offset,
      ...(unparsed === undefined ? {} : { unparsed }),
    }),
  );
}
