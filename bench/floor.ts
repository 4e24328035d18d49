/**
 * The floor beside a row: what the bare work costs. The lines are read and cut before the clock starts, so that the start
 * of the process is not in its figures either; then batches of the agent's size are encoded by one `JSON.stringify`, compressed at the same level and posted by a loop over kept
 * connections. No offsets, no checksums, no checkpoints, no retries. In the rows with `format: json` each line goes
 * through `JSON.parse`, since nobody can take a time out of it without.
 *
 * Run as `node bench/floor.ts <row> <corpus> <port>`; writes its usage to the file that BENCH_USAGE names.
 */
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { BATCHES, CONCURRENCY, GZIP_LEVEL, RESOURCE, type Row, ROWS, urlOf } from "./rows.ts";
import { residentBytes, type Usage } from "./usage.ts";

const gzip = promisify(zlib.gzip);

/** What pino writes, as far as it matters here. */
interface PinoLine {
  readonly time: number;
  readonly level: number;
}

const STATUS: Readonly<Record<number, string>> = { 20: "debug", 30: "info", 40: "warn", 50: "error" };

type Encode = (line: string) => object;

const parse = (line: string): PinoLine => JSON.parse(line);

function encoderOf({ sink, format }: Row, file: string): Encode {
  const { service, env, version, host } = RESOURCE;
  if (sink === "datadog") {
    const about = { ddsource: "tailcar", service, hostname: host, ddtags: `env:${env},version:${version}` };
    if (format === "raw") return (message) => ({ message, ...about });
    return (message) => {
      const { level, time: timestamp } = parse(message);
      return { message, ...about, status: STATUS[level], timestamp };
    };
  }
  if (sink === "splunk") {
    const about = { host, source: file, fields: { service, env, version } };
    if (format === "raw") return (event) => ({ ...about, event });
    return (line) => {
      const event = parse(line);
      return { ...about, sourcetype: "_json", time: event.time / 1_000, event };
    };
  }
  const about = { "service.name": service, "deployment.environment.name": env };
  const resource = { ...about, "service.version": version, "host.name": host };
  let end = 0;
  return (message) => {
    const offset = end;
    end += message.length + 1;
    return { timestamp: null, severity: null, message, attributes: {}, resource, file, offset };
  };
}

function cutLines(path: string): readonly string[] {
  const bytes = readFileSync(path);
  const lines: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    lines.push(bytes.toString("latin1", start, newline));
    start = newline + 1;
  }
  return lines;
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
}

type Send = (body: Buffer) => Promise<void>;

function sendToStdout(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(body, (error) => (error instanceof Error ? reject(error) : resolve()));
  });
}

function postTo(url: string, compress: boolean): Send {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const encoding = compress ? { "content-encoding": "gzip" } : {};
  const headers = { "content-type": "application/json", ...encoding };
  const post = (body: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const options = { method: "POST", agent, headers: { ...headers, "content-length": body.length } };
      const request = http.request(url, options, (response) => {
        response.resume();
        response.on("end", resolve);
      });
      request.on("error", reject);
      request.end(body);
    });
  return compress ? async (body) => post(await gzip(body, { level: GZIP_LEVEL })) : post;
}

async function ship(lines: readonly string[], row: Row, encode: Encode, send: Send): Promise<void> {
  const { records, bytes } = BATCHES[row.sink];
  const sample = lines.slice(0, 1_000);
  const perBatch = Math.min(records, Math.floor((0.95 * bytes * sample.length) / encodeBatch(sample, encode).length));
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < lines.length) {
      const batch = lines.slice(next, next + perBatch);
      next += perBatch;
      await send(encodeBatch(batch, encode));
    }
  };
  await Promise.all(Array.from({ length: row.sink === "stdout" ? 1 : CONCURRENCY }, work));
}

const encodeBatch = (lines: readonly string[], encode: Encode): Buffer =>
  Buffer.from(JSON.stringify(lines.map(encode)));

async function main([name, corpus = "", port]: readonly string[]): Promise<void> {
  const row = ROWS.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`no row is called ${name}`);
  const lines = cutLines(corpus);
  const send = row.sink === "stdout" ? sendToStdout : postTo(urlOf(row.sink, Number(port), "ok"), row.gzip);
  const encode = encoderOf(row, corpus);
  collectGarbage();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  await ship(lines, row, encode, send);
  const { user, system } = process.cpuUsage(cpu);
  const usage: Usage = {
    exitCode: 0,
    wallSeconds: (performance.now() - startMs) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: residentBytes("self", "VmHWM"),
  };
  writeFileSync(process.env["BENCH_USAGE"] ?? "", JSON.stringify(usage));
  process.exit(0);
}

await main(process.argv.slice(2));
