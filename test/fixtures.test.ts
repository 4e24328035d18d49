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

function read(name: string): { size: number; cases: Case[] } {
  const file: unknown = JSON.parse(readFileSync(join(FIXTURES, name, "expected.json"), "utf8"));
  if (!isObject(file) || !Array.isArray(file["cases"])) throw new Error(`${name}: no cases`);
  return { size: Number(file["size"]), cases: file["cases"] };
}

const nameOf = (format: string | object): string => (typeof format === "string" ? format : Object.keys(format).join());

const names = readdirSync(FIXTURES).filter((name) => name !== "generate" && name !== "multiline");
const table = names.flatMap((name) =>
  read(name).cases.flatMap((found) =>
    found.formats.map((format) => [name, nameOf(format), { ...found, format }] as const),
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

test.each(table)("%s as %s gives the expected records", async (name, _, { format, isJson, records }) => {
  const scene = new Scene();
  const file = join(scene.logs, "input.log");
  copyFileSync(join(FIXTURES, name, "input.log"), file);
  // Times without a year get it from here.
  utimesSync(file, WRITTEN, WRITTEN);
  const sources = { fixture: { include: [file], format } };
  const config = { resource: { service: "fixture", host: "pod-1" }, sources, sinks: { console: { type: "stdout" } } };
  // Text is marked where JSON was promised.
  const isPromised = format === "json" && isJson !== true;
  const agent = scene.agent(config, { args: ["--once"] });
  expect(await agent.waitExit(60_000)).toEqual({ code: 0, signal: null });

  const found = stdoutRecords(agent.stdout);
  const about = found[0]?.resource;
  expect(JSON.stringify(about)).toMatch(/"fixture".*"pod-1"|"pod-1".*"fixture"/);
  expect(found.map((record) => ({ ...record, timestamp: instant(record.timestamp) }))).toEqual(
    records.map(
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
        resource: about,
        file,
        offset,
        ...(unparsed === undefined ? {} : { unparsed }),
      }),
    ),
  );
});
