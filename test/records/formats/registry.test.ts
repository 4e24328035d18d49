import { describe, expect, test } from "vitest";
import { FORMAT_NAMES, type FormatName } from "../../../src/core/format.ts";
import { autoParser, compileFormat, decide, namedParser, recognize } from "../../../src/records/formats/registry.ts";
import { context, parserOf } from "../context.ts";

const lines = (count: number, format?: FormatName): (FormatName | undefined)[] =>
  Array.from({ length: count }, () => format);

describe("auto decides by the first lines", () => {
  test.each<[string, readonly (FormatName | undefined)[], FormatName | undefined]>([
    ["nothing yet", [], undefined],
    ["one JSON object", ["json"], "json"],
    ["a banner before the JSON", [undefined, undefined, "json"], "json"],
    ["a few lines of text", lines(19), undefined],
    ["enough lines of text", lines(20), "raw"],
    ["one line of syslog", ["syslog"], "syslog"],
    ["a banner before two lines of logfmt", [undefined, "logfmt", "logfmt"], "logfmt"],
    ["a line of logfmt in much text", [...lines(4), "logfmt"], undefined],
    ["the same, when there are enough lines", [...lines(19), "logfmt"], "raw"],
    ["some JSON in an access log", ["nginx", "json", "nginx"], "nginx"],
    ["some text in klog", ["klog", undefined, "klog", undefined], "klog"],
  ])("%s", (_, sample, expected) => {
    expect(decide(sample)).toBe(expected);
  });
});

test.each<[string, FormatName | undefined]>([
  ['{"msg":"a"}', "json"],
  ["{}", undefined],
  ["[1]", undefined],
  ["plain text", undefined],
  ["2026-11-23 06:57:25,496 INFO     [shop.payment] starting up", undefined],
  ["2026-01-02T03:04:05Z INFO server: listening", undefined],
  ["2026-01-02T03:04:05.678+01:00  INFO 1 --- [main] c.e.Shop : Started", undefined],
  ["2026-01-02T03:04:05.678901+01:00 host sshd[42]: Accepted", "syslog"],
  ["Jan  2 03:04:05 host sshd[42]: Accepted", "syslog"],
  ["<13>1 2026-01-02T03:04:05Z host app - - - hi", "syslog"],
  ["Jan 02, 2026 3:04:05 AM com.example.Main main", undefined],
  ["I0102 03:04:05.678901       1 main.go:7] hi", "klog"],
  ['10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0"', "nginx"],
  ["2026/01/02 03:04:05 [error] 7#7: *1 open() failed", "nginx"],
  ["2026/01/02 03:04:05 main.go:7: hi", undefined],
  ["[Fri Jan 02 03:04:05.678901 2026] [core:notice] [pid 1:tid 2] AH00094: Command line", "apache"],
  ['time="2026-01-02T03:04:05Z" level=info msg="hi there"', "logfmt"],
  ["retry with backoff=2s and limit=5", undefined],
  ["a=1 b=2", undefined],
  ["level=info", undefined],
  ["SELECT * FROM t WHERE a = 1", undefined],
])("auto takes %j for %s", (line, expected) => {
  expect(recognize(line, context())).toBe(expected);
});

describe("a line that is not of its format", () => {
  test.each(FORMAT_NAMES.filter((name) => name !== "auto" && name !== "raw"))(
    "is marked if the source names %s",
    (name) => {
      expect(parserOf(name)("plain text")).toEqual({ unparsed: name });
    },
  );

  test.each([
    [{ csv: { columns: ["a", "b"], delimiter: "," } }, "csv"] as const,
    [{ regex: "^a(?<b>\\d)" }, "regex"] as const,
  ])("is marked if the source has %j", (format, unparsed) => {
    expect(parserOf(format)("plain text")).toEqual({ unparsed });
  });

  test("is nothing but text for auto", () => {
    for (const name of [undefined, ...FORMAT_NAMES]) expect(autoParser(name, context())("plain text")).toEqual({});
  });
});

test("auto reads JSON whatever the file was taken for", () => {
  for (const name of [undefined, ...FORMAT_NAMES])
    expect(autoParser(name, context())('{"msg":"a"}')).toMatchObject({ message: "a", isObject: true });
});

test("auto goes on as raw where the checkpoint holds a format that is not known here", () => {
  expect(autoParser("of-tomorrow", context())("a=1 level=info")).toEqual({});
});

test("raw reads nothing out of a line", () => {
  expect(namedParser(compileFormat("raw"), context())).toBeUndefined();
});

test("an object with nothing in it is JSON", () => {
  expect(parserOf("json")(" { } ")).toEqual({});
});
