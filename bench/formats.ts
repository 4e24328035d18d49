/**
 * What parsing costs: megabytes a CPU second for each format, and for `JSON.parse` alone in the same run; then what reading
 * a file costs whose lines are joined or redacted.
 * `npm run bench:formats -- [--mb 20] [--runs 5]`
 */
import { parseArgs } from "node:util";
import type { FormatSetting } from "../src/core/format.ts";
import type { Parse } from "../src/core/record.ts";
import { autoParser, compileFormat, namedParser } from "../src/records/formats/registry.ts";
import { createTimeContext } from "../src/records/create-context.ts";
import { costOf, READING_ROWS } from "./reading.ts";
import { cpuMicroseconds } from "./usage.ts";

const { values } = parseArgs({
  options: { mb: { type: "string", default: "20" }, runs: { type: "string", default: "5" } },
});

const times = { ...createTimeContext({}), reference: () => Date.parse("2026-06-01T00:00:00Z") };
const twoDigits = (number: number): string => String(number).padStart(2, "0");
/** Of the line with this number: a few of them fall into each second. */
const clock = (n: number): string =>
  [Math.floor(n / 36_000) % 24, Math.floor(n / 600) % 60, Math.floor(n / 10) % 60].map(twoDigits).join(":");

const LINES = {
  json: (n) =>
    `{"level":30,"time":${1_767_225_600_000 + n},"pid":17,"hostname":"shop-7d9f","request":{"id":"r${n}","method":"POST","path":"/checkout"},"ms":${n % 400},"msg":"order placed"}`,
  logfmt: (n) =>
    `time="2026-01-02T${clock(n)}Z" level=info msg="order placed" request=r${n} method=POST path=/checkout ms=${n % 400}`,
  nginx: (n) =>
    `10.0.${n % 4}.${n % 250} - - [02/Jan/2026:${clock(n)} +0000] "GET /products/${n} HTTP/1.1" 200 ${n % 20_000} "-" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"`,
  nginxError: (n) =>
    `2026/01/02 ${clock(n)} [error] 31#31: *${n} open() "/srv/www/${n}" failed (2: No such file or directory), client: 10.0.0.1, server: shop, request: "GET /${n} HTTP/1.1", host: "shop"`,
  syslog5424: (n) =>
    `<14>1 2026-01-02T${clock(n)}.003Z web-1 checkout 4711 ID${n} [shop@32473 cart="${n}" user="u${n}"] order placed after ${n} ms`,
  syslog3164: (n) =>
    `<14>Jan  2 ${clock(n)} web-1 checkout[4711]: order ${n} placed, payment authorised and stock reserved`,
  klog: (n) =>
    `I0102 ${clock(n)}.678901       1 controller.go:${n % 900}] "Reconciled" pod="default/shop-${n}" ms=${n % 400}`,
  csv: (n) => `2026-01-02T${clock(n)}Z,INFO,r${n},POST,/checkout,"order placed, and paid",${n % 400}`,
  logback: (n) => `2026-01-02 ${clock(n)}.678 [http-nio-${n % 9}] INFO  c.e.shop.Checkout - order ${n} placed`,
} satisfies Record<string, (n: number) => string>;

const columns = ["time", "level", "request", "method", "path", "message", "ms"];
const LOGBACK = "^(?<time>\\S+ \\S+) \\[(?<thread>[^\\]]*)\\] (?<level>\\w+) +(?<logger>\\S+) - (?<message>.*)$";

const named = (format: FormatSetting): Parse => namedParser(compileFormat(format), times) ?? (() => ({}));
const auto = (format: string): Parse => autoParser(format, times);

const ROWS: readonly (readonly [name: string, lines: keyof typeof LINES, parse: (body: string) => unknown])[] = [
  ["JSON.parse", "json", (body) => JSON.parse(body) as unknown],
  ["json", "json", named("json")],
  ["json by auto", "json", auto("json")],
  ["text by auto", "logback", auto("raw")],
  ["logfmt", "logfmt", named("logfmt")],
  ["nginx access", "nginx", named("nginx")],
  ["nginx access by auto", "nginx", auto("nginx")],
  ["nginx error", "nginxError", named("nginx")],
  ["syslog RFC 5424", "syslog5424", named("syslog")],
  ["syslog RFC 3164", "syslog3164", named("syslog")],
  ["klog", "klog", named("klog")],
  ["csv", "csv", named({ csv: { columns, delimiter: "," } })],
  ["regex (logback)", "logback", named({ regex: LOGBACK })],
];

const cpuOf = (parse: (body: string) => unknown, lines: readonly string[]): number =>
  cpuMicroseconds(() => {
    for (const line of lines) parse(line);
  });

const WIDTH = 30;

function print(name: string, bytes: number, lines: number, cpuMicroseconds: number): void {
  const speed = `${(bytes / cpuMicroseconds).toFixed(0).padStart(6)} MB/cpu s`;
  console.log(`${name.padEnd(WIDTH)}${speed}${(cpuMicroseconds / lines).toFixed(2).padStart(8)} µs a line`);
}

const runs = Number(values.runs);
const megabytes = Number(values.mb);
for (const [name, kind, parse] of ROWS) {
  const make = LINES[kind];
  const count = Math.ceil((megabytes * 1e6) / (make(1_000).length + 1));
  const lines = Array.from({ length: count }, (_, n) => Buffer.from(make(n)).toString());
  const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
  print(name, bytes, count, Math.min(...Array.from({ length: runs }, () => cpuOf(parse, lines))));
}
console.log();
for (const row of READING_ROWS) {
  const { bytes, lines, cpuMicroseconds } = await costOf(row, megabytes * 1e6, runs);
  print(row.name, bytes, lines, Math.min(...cpuMicroseconds));
}
