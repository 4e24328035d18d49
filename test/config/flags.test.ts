import { describe, expect, test } from "vitest";
import type { ConfigFlags } from "../../src/config/flags.ts";
import { configFromFlags } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problems.ts";
import { world } from "./definitions.ts";

const problemsOf = (flags: ConfigFlags, env: Record<string, string> = {}): string[] => {
  const result = configFromFlags(flags, world({ env }));
  return result.ok ? [] : result.problems.map(formatProblem);
};

describe("a configuration from flags", () => {
  test("is a source and a sink of each type, filled from the vendors' variables", () => {
    const flags = { include: ["*.log", "/l/*.log"], sinks: ["datadog", "stdout"], format: "json", startAt: "end" };
    const result = configFromFlags(flags, world({ env: { DD_API_KEY: "k", DD_SERVICE: "s" } }));
    expect(result).toMatchObject({
      ok: true,
      config: {
        stateDir: "/var/lib/tailcar",
        resource: { service: "s" },
        sources: { files: { include: ["/srv/*.log", "/l/*.log"], format: "json", startAt: "end" } },
        sinks: { datadog: { type: "datadog" }, stdout: { type: "stdout" } },
      },
    });
  });

  test("reads stdin alone, or beside files", () => {
    const both = configFromFlags({ include: ["/l/*"], stdin: true, sinks: ["stdout"], format: "raw" }, world());
    expect(both).toMatchObject({
      config: {
        sources: {
          stdin: { stdin: true, include: [], format: "raw" },
          files: { stdin: false, include: ["/l/*"], format: "raw" },
        },
      },
    });
    const alone = configFromFlags({ include: [], stdin: true, sinks: ["stdout"] }, world());
    expect(alone.ok && Object.keys(alone.config.sources)).toEqual(["stdin"]);
  });

  test("keeps its state where it is told to", () => {
    const result = configFromFlags({ include: ["/l/*"], sinks: ["stdout"], stateDir: "state" }, world());
    expect(result).toMatchObject({ config: { stateDir: "/srv/state" } });
  });

  test.for([
    [
      { include: [], sinks: [] },
      ["--include: needs at least one entry, or stdin: true", "--sink: needs at least one entry"],
    ],
    [
      { include: ["/l/*"], sinks: ["stdout", "datadog", "stdout", "stdout"] },
      [
        "--sink stdout: given twice; a configuration file gives several sinks of one type names",
        "--sink datadog: apiKey: missing; expected a string, here or in the variable DD_API_KEY",
      ],
    ],
    [{ include: ["/l/*"], sinks: ["stdou"] }, ['--sink stdou: unknown type "stdou"; did you mean "stdout"?']],
    [
      { include: ["/l/*"], sinks: ["datadog"] },
      ["--sink datadog: apiKey: missing; expected a string, here or in the variable DD_API_KEY"],
    ],
    [
      { include: ["/l/*"], sinks: ["stdout"], format: "jason", startAt: "", stateDir: "" },
      [
        "--state-dir: must not be empty",
        '--format: unknown value "jason"; did you mean "json"?',
        '--start-at: unknown value ""; expected one of beginning, end',
      ],
    ],
    [
      { include: ["/var/lib/tailcar/*"], sinks: ["stdout"] },
      [
        "--state-dir (default /var/lib/tailcar): must lie apart from the directory that --include reads, neither in it nor around it",
      ],
    ],
    [
      { include: ["/l/*"], sinks: ["stdout"], stateDir: "/l" },
      ["--state-dir: must lie apart from the directory that --include reads, neither in it nor around it"],
    ],
  ] as const)("%j: every problem names its flag", ([flags, problems]) => {
    expect(problemsOf(flags)).toEqual(problems);
  });

  test("a wrong value of a vendor's variable names the variable, not the value", () => {
    expect(problemsOf({ include: ["/l/*"], sinks: ["datadog"] }, { DD_API_KEY: "k", DD_SITE: "nowhere" })).toEqual([
      "--sink datadog: site: [hidden] is no site (from DD_SITE)",
    ]);
  });
});
