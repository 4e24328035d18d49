import { describe, expect, test } from "vitest";
import type { FormatSetting } from "../../../src/core/format.ts";
import type { JsonObject } from "../../../src/core/record.ts";
import { instant, parserOf } from "../context.ts";

interface Expected {
  readonly time?: string;
  readonly severity?: number;
  readonly message?: string;
  readonly attributes: JsonObject;
}

type Row = readonly [what: string, line: string, expected: Expected];

/** As files written about the first of December 2026, with clocks on UTC. */
function check(format: FormatSetting, rows: readonly Row[]): void {
  const parse = parserOf(format);
  test.each(rows)("%s", (_, line, { time, severity, message, attributes }) => {
    const found = parse(line);
    expect({ ...found, severity: found.severity?.number }).toEqual({
      timestamp: time === undefined ? undefined : instant(time),
      severity,
      message,
      attributes,
    });
  });
}

/** Lines that are none of the format's are shipped as they stand, with a mark. */
function refuse(format: FormatSetting, lines: readonly string[]): void {
  const parse = parserOf(format);
  test.each(lines)("is no such line: %j", (line) => {
    expect(Object.keys(parse(line))).toEqual(["unparsed"]);
  });
}

describe("logfmt", () => {
  check("logfmt", [
    [
      "logrus",
      'time="2026-01-02T03:04:05Z" level=warning msg="slow request" path=/a size=12 ok=true',
      {
        time: "2026-01-02T03:04:05Z",
        severity: 13,
        message: "slow request",
        attributes: { path: "/a", size: "12", ok: "true" },
      },
    ],
    [
      "go-kit",
      'ts=2026-01-02T03:04:05.123456789Z caller=main.go:7 level=info msg=hi err="a \\"b\\"\\n\\u00e9\\\\"',
      {
        time: "2026-01-02T03:04:05.123456789Z",
        severity: 9,
        message: "hi",
        attributes: { caller: "main.go:7", err: 'a "b"\né\\' },
      },
    ],
    [
      "keys alone, and empty values",
      "ready level=info a= b=",
      { severity: 9, attributes: { ready: true, a: "", b: "" } },
    ],
    [
      "a backslash that escapes nothing",
      'level=info path="C:\\Windows\\System" re="\\d+\\\\\\."',
      { severity: 9, attributes: { path: "C:\\Windows\\System", re: "\\d+\\\\." } },
    ],
    ["a key twice", "level=info a=1 a=2", { severity: 9, attributes: { a: "2" } }],
    [
      "an implausible time, which stays",
      "time=1970-01-01T00:00:00Z level=x a=1",
      { attributes: { time: "1970-01-01T00:00:00Z", level: "x", a: "1" } },
    ],
    ["a key __proto__", "__proto__=1 a=2", { attributes: JSON.parse('{"__proto__":"1","a":"2"}') }],
    ["an equals sign in a value", "url=http://x/?a=b c=d=e", { attributes: { url: "http://x/?a=b", c: "d=e" } }],
  ]);
  refuse("logfmt", ["", "no pairs here", 'a="not closed', 'a="b"c', "=a", 'a"b"=c', 'a="\\']);
});

describe("nginx", () => {
  const agent = "Mozilla/5.0 (X11; Linux x86_64)";
  check("nginx", [
    [
      "combined",
      `10.0.0.1 - alice [02/Jan/2026:03:04:05 +0100] "POST /a?b=c HTTP/1.1" 404 153 "http://x/" "${agent}"`,
      {
        time: "2026-01-02T02:04:05Z",
        attributes: {
          client: "10.0.0.1",
          user: "alice",
          request: "POST /a?b=c HTTP/1.1",
          method: "POST",
          path: "/a?b=c",
          protocol: "HTTP/1.1",
          status: 404,
          size: 153,
          referer: "http://x/",
          agent,
        },
      },
    ],
    [
      "a request that is none",
      '::1 - - [02/Jan/2026:03:04:05 +0000] "\\x16\\x03\\x01" 400 0 "-" "-"',
      {
        time: "2026-01-02T03:04:05Z",
        attributes: { client: "::1", request: "\\x16\\x03\\x01", status: 400, size: 0, referer: "-", agent: "-" },
      },
    ],
    [
      "main, behind proxies",
      '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "" 400 0 "-" "x" "1.2.3.4, 5.6.7.8"',
      {
        time: "2026-01-02T03:04:05Z",
        attributes: {
          client: "10.0.0.1",
          request: "",
          status: 400,
          size: 0,
          referer: "-",
          agent: "x",
          forwardedFor: "1.2.3.4, 5.6.7.8",
        },
      },
    ],
    [
      "a request with one blank too many",
      '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /a b HTTP/1.1" 400 0 "-" "x" "2.75"',
      {
        time: "2026-01-02T03:04:05Z",
        attributes: {
          client: "10.0.0.1",
          request: "GET /a b HTTP/1.1",
          status: 400,
          size: 0,
          referer: "-",
          agent: "x",
          gzipRatio: 2.75,
        },
      },
    ],
    [
      "ingress-nginx that tried two upstreams",
      '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/2.0" 200 5 "-" "x" 462 0.050 [shop-80] [] 10.0.0.2:80, 10.0.0.3:80 0, 19 0.001, 0.049 502, 200 abc',
      {
        time: "2026-01-02T03:04:05Z",
        attributes: {
          client: "10.0.0.1",
          request: "GET / HTTP/2.0",
          method: "GET",
          path: "/",
          protocol: "HTTP/2.0",
          status: 200,
          size: 5,
          referer: "-",
          agent: "x",
          requestLength: 462,
          requestTime: 0.05,
          upstreamName: "shop-80",
          upstreamAddress: "10.0.0.2:80, 10.0.0.3:80",
          upstreamSize: "0, 19",
          upstreamTime: "0.001, 0.049",
          upstreamStatus: "502, 200",
          requestId: "abc",
        },
      },
    ],
    [
      "a date that there is not, which stays",
      '10.0.0.1 - - [29/Feb/2023:00:00:00 +0000] "GET / HTTP/1.0" 200 5',
      {
        attributes: {
          client: "10.0.0.1",
          time: "29/Feb/2023:00:00:00 +0000",
          request: "GET / HTTP/1.0",
          method: "GET",
          path: "/",
          protocol: "HTTP/1.0",
          status: 200,
          size: 5,
        },
      },
    ],
    [
      "an error in a request",
      '2026/01/02 03:04:05 [error] 31#32: *6 open() "/x, client: 6.6.6.6" failed (2: No such file or directory), client: 10.0.0.1, server: , request: "GET /a, b HTTP/1.1", host: "h:80", referrer: "http://h/"',
      {
        time: "2026-01-02T03:04:05Z",
        severity: 17,
        message: 'open() "/x, client: 6.6.6.6" failed (2: No such file or directory)',
        attributes: {
          pid: 31,
          tid: 32,
          connection: 6,
          client: "10.0.0.1",
          server: "",
          request: "GET /a, b HTTP/1.1",
          host: "h:80",
          referer: "http://h/",
        },
      },
    ],
    ...[
      ["limiting requests, excess: 20.340 by zone", "limiting requests"],
      ["delaying requests, excess: 20.340, by zone", "delaying requests"],
    ].map(([written, message]): Row => [
      `over a rate: ${message}`,
      `2026/01/02 03:04:05 [warn] 7#7: *9 ${written} "per_ip", client: 10.0.0.1, server: a.example, request: "GET / HTTP/1.1"`,
      {
        time: "2026-01-02T03:04:05Z",
        severity: 13,
        message: message ?? "",
        attributes: {
          pid: 7,
          tid: 7,
          connection: 9,
          excess: 20.34,
          zone: "per_ip",
          client: "10.0.0.1",
          server: "a.example",
          request: "GET / HTTP/1.1",
        },
      },
    ]),
    [
      "a message with commas that is about no rate",
      "2026/01/02 03:04:05 [warn] 7#7: *9 excess: 1, by zone, client: 10.0.0.1",
      {
        time: "2026-01-02T03:04:05Z",
        severity: 13,
        message: "excess: 1, by zone",
        attributes: { pid: 7, tid: 7, connection: 9, client: "10.0.0.1" },
      },
    ],
    [
      "an error of the server",
      "2026/01/02 03:04:05 [notice] 1#1: signal process started",
      {
        time: "2026-01-02T03:04:05Z",
        severity: 10,
        message: "signal process started",
        attributes: { pid: 1, tid: 1 },
      },
    ],
  ]);
  refuse("nginx", [
    "",
    "text",
    '10.0.0.1 - - [1234] "GET /" 200 1',
    '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET / 200 1',
    '10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /" OK 1',
    "2026/01/02 03:04:05 main.go:7: hi",
    "2026/01/02 03:04:05 [loud] 1#1: hi",
  ]);
});

describe("apache", () => {
  check("apache", [
    [
      "common",
      '127.0.0.1 bob frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 304 -',
      {
        time: "2000-10-10T20:55:36Z",
        attributes: {
          client: "127.0.0.1",
          identity: "bob",
          user: "frank",
          request: "GET /apache_pb.gif HTTP/1.0",
          method: "GET",
          path: "/apache_pb.gif",
          protocol: "HTTP/1.0",
          status: 304,
        },
      },
    ],
    [
      "combined, with a quote in the agent",
      '1.2.3.4 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5 "-" "a \\"b\\""',
      {
        time: "2026-01-02T03:04:05Z",
        attributes: {
          client: "1.2.3.4",
          request: "GET / HTTP/1.1",
          method: "GET",
          path: "/",
          protocol: "HTTP/1.1",
          status: 200,
          size: 5,
          referer: "-",
          agent: 'a \\"b\\"',
        },
      },
    ],
    ["nothing known", "- - - - - - -", { attributes: {} }],
    [
      "an error with module, thread and client",
      "[Fri Jan 02 03:04:05.678901 2026] [proxy:error] [pid 7:tid 140] [client ::1:4711] AH00957: failed",
      {
        time: "2026-01-02T03:04:05.678901Z",
        severity: 17,
        message: "AH00957: failed",
        attributes: { module: "proxy", pid: 7, tid: "140", client: "::1", port: 4711 },
      },
    ],
    [
      "an error of which hardly anything is known",
      "[Fri Jan 02 03:04:05 2026] - - - -",
      { time: "2026-01-02T03:04:05Z", attributes: {} },
    ],
    [
      "an error of 2.2",
      "[Fri Jan 02 03:04:05 2026] [error] [client 1.2.3.4] File does not exist: /x",
      {
        time: "2026-01-02T03:04:05Z",
        severity: 17,
        message: "File does not exist: /x",
        attributes: { client: "1.2.3.4" },
      },
    ],
  ]);
  refuse("apache", [
    "",
    "[x] - - - -",
    "[Fri Jan 02 03:04:05 2026] - started",
    "[x] [error] y",
    "[Fri Jan 02 03:04:05 2026] [loud] y",
    "[Fri Jan 02 03:04:05 2026] y",
  ]);
});

describe("syslog", () => {
  check("syslog", [
    [
      "RFC 5424",
      '<165>1 2026-01-02T03:04:05.003456Z host.example app 42 ID47 [a@1 k="v \\"x\\" \\]" l="\\\\"][b] hi',
      {
        time: "2026-01-02T03:04:05.003456Z",
        severity: 10,
        message: "hi",
        attributes: {
          facility: "local4",
          version: 1,
          hostname: "host.example",
          appname: "app",
          procid: "42",
          msgid: "ID47",
          structuredData: { "a@1": { k: 'v "x" ]', l: "\\" }, b: {} },
        },
      },
    ],
    [
      "RFC 5424 with a length before, a byte order mark and a NUL",
      "48 <14>1 2026-01-02T03:04:05-07:00 h a - - - \uFEFFcafé\0",
      {
        time: "2026-01-02T10:04:05Z",
        severity: 9,
        message: "café",
        attributes: { facility: "user", version: 1, hostname: "h", appname: "a" },
      },
    ],
    [
      "RFC 5424 with nothing",
      "<14>1 - - - - - -",
      { severity: 9, message: "", attributes: { facility: "user", version: 1 } },
    ],
    [
      "RFC 3164",
      "<34>Oct  1 22:14:15 mymachine su[7]: 'su root' failed: no",
      {
        time: "2026-10-01T22:14:15Z",
        severity: 18,
        message: "'su root' failed: no",
        attributes: { facility: "auth", hostname: "mymachine", appname: "su", procid: "7" },
      },
    ],
    [
      "a file without priority",
      "Dec 31 23:59:59 web systemd[1]: Started x.",
      {
        time: "2026-12-31T23:59:59Z",
        message: "Started x.",
        attributes: { hostname: "web", appname: "systemd", procid: "1" },
      },
    ],
    [
      "without host",
      "Jun 13 16:33:35 haproxy[73411]: hi",
      { time: "2026-06-13T16:33:35Z", message: "hi", attributes: { appname: "haproxy", procid: "73411" } },
    ],
    [
      "without tag",
      "<13>Jun 13 16:33:35 web just text",
      {
        time: "2026-06-13T16:33:35Z",
        severity: 10,
        message: "just text",
        attributes: { facility: "user", hostname: "web" },
      },
    ],
    [
      "RFC 5424 without priority, as in a file",
      '1 2026-01-02T03:04:05Z host.example app 42 - [a@1 k="v"] hi',
      {
        time: "2026-01-02T03:04:05Z",
        message: "hi",
        attributes: {
          version: 1,
          hostname: "host.example",
          appname: "app",
          procid: "42",
          structuredData: { "a@1": { k: "v" } },
        },
      },
    ],
    [
      "a tag with a bracket behind it instead of a colon",
      "<131>Jun 13 16:33:35 web httpd_error [core:error] [pid 7] no such file",
      {
        time: "2026-06-13T16:33:35Z",
        severity: 17,
        message: "[core:error] [pid 7] no such file",
        attributes: { facility: "local0", hostname: "web", appname: "httpd_error" },
      },
    ],
    [
      "a tag with a process, and no blank behind it",
      "Jun 13 16:33:35 web app[12]:no blank: there",
      {
        time: "2026-06-13T16:33:35Z",
        message: "no blank: there",
        attributes: { hostname: "web", appname: "app", procid: "12" },
      },
    ],
    [
      "the same, without host",
      "Jun 13 16:33:35 app[12]:no blank",
      { time: "2026-06-13T16:33:35Z", message: "no blank", attributes: { appname: "app", procid: "12" } },
    ],
    [
      "text in which there is a bracket, or a colon, but no tag",
      "Jun 13 16:33:35 web see a[1] [now] at 16:33:35",
      { time: "2026-06-13T16:33:35Z", message: "see a[1] [now] at 16:33:35", attributes: { hostname: "web" } },
    ],
    [
      "rsyslog's file format of today",
      "2026-01-02T03:04:05.123456+01:00 web CRON[9]: (root) CMD (x)",
      {
        time: "2026-01-02T02:04:05.123456Z",
        message: "(root) CMD (x)",
        attributes: { hostname: "web", appname: "CRON", procid: "9" },
      },
    ],
    [
      "with a year",
      "<13>Jan  2 2025 03:04:05 web a: x",
      {
        time: "2025-01-02T03:04:05Z",
        severity: 10,
        message: "x",
        attributes: { facility: "user", hostname: "web", appname: "a" },
      },
    ],
  ]);
  refuse("syslog", [
    "",
    "not much of a syslog message",
    "<192>1 2026-01-02T03:04:05Z h a - - - x",
    "<13>1 2026-01-02T03:04:05Z h a",
    '<13>1 2026-01-02T03:04:05Z h a - - [x y="z] x',
    "<13>1 2026-01-02T03:04:05Z h a - - [x y] x",
    "<13>Foo  2 03:04:05 h a: x",
    "<x>Jan  2 03:04:05 h a: x",
    "Feb 30 03:04:05 h a: x",
    "1 of 3 files were read in a - second",
    "1 2026-01-02 03:04:05 h a - - - x",
  ]);
});

describe("klog", () => {
  check("klog", [
    [
      "klog",
      "E0102 03:04:05.678901   28133 server.go:70] a] b [c]",
      {
        time: "2026-01-02T03:04:05.678901Z",
        severity: 17,
        message: "a] b [c]",
        attributes: { thread: 28_133, file: "server.go", line: 70 },
      },
    ],
    [
      "glog",
      "I20210131 14:48:54.411655 15520 main.c++:9] Hello world!",
      {
        time: "2021-01-31T14:48:54.411655Z",
        severity: 9,
        message: "Hello world!",
        attributes: { thread: 15_520, file: "main.c++", line: 9 },
      },
    ],
  ]);
  refuse("klog", [
    "",
    "X0102 03:04:05.678901 1 a.go:1] x",
    "I0230 03:04:05.678901 1 a.go:1] x",
    "I0102 03:04:05 1 a.go:1] x",
  ]);
});

describe("csv", () => {
  const columns = ["time", "level", "user", "message"];
  check({ csv: { columns, delimiter: "," } }, [
    [
      "quoted values",
      '2026-01-02T03:04:05Z,ERROR,"Doe, ""Jane""",no',
      { time: "2026-01-02T03:04:05Z", severity: 17, message: "no", attributes: { user: 'Doe, "Jane"' } },
    ],
    ["empty values", ",,,", { message: "", attributes: { time: "", level: "", user: "" } }],
  ]);
  refuse({ csv: { columns, delimiter: "," } }, ["", "a,b,c", "a,b,c,d,e", 'a,b,c,"d', 'a,b,c,"d"e']);
});

describe("csv with another delimiter", () => {
  check({ csv: { columns: ["a", "b"], delimiter: "\t" } }, [["tabs", "1,2\t3", { attributes: { a: "1,2", b: "3" } }]]);
});

describe("a pattern of one's own", () => {
  check({ regex: "^(?<time>\\S+ \\S+) +\\[(?<thread>[^\\]]*)\\] (?<level>\\w+) +(?<logger>\\S+) - (?<message>.*)$" }, [
    [
      "logback",
      "2026-01-02 03:04:05.678 [http-nio-1] WARN  c.e.Shop - out of stock",
      {
        time: "2026-01-02T03:04:05.678Z",
        severity: 13,
        message: "out of stock",
        attributes: { thread: "http-nio-1", logger: "c.e.Shop" },
      },
    ],
  ]);
  check({ regex: "^(?<level>\\w+): (?<message>.*)" }, [
    ["a trace, whole", "ERROR: no\n  at a\n  at b", { severity: 17, message: "no\n  at a\n  at b", attributes: {} }],
  ]);
  check({ regex: "(?<a>x)|(?<b>y)" }, [["a group that took no part", "y", { attributes: { b: "y" } }]]);
  refuse({ regex: "^(?<a>\\d+)$" }, ["", "a", "1a"]);
});
