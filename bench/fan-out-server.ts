/**
 * The receivers of the fan-out, in a process of their own. Prints its port on stdout. The first segment of the path says
 * what it is:
 *   /healthy-N/...   takes everything with a 202, and counts it
 *   /hung/...        never answers
 *   /dead/...        503
 *   /limited/...     429 with `Retry-After: 2`
 *   /blocked/...     403
 * `GET /counts` tells what the healthy ones have got: records by name, as JSON.
 */
import http from "node:http";
import { gunzipSync } from "node:zlib";

const MARK = Buffer.from('"ddsource":');

const counts: Record<string, number> = {};

function countRecords(body: Buffer): number {
  let records = 0;
  for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + MARK.length)) records += 1;
  return records;
}

const STATUS: Readonly<Record<string, readonly [status: number, headers: Record<string, string>]>> = {
  dead: [503, {}],
  limited: [429, { "retry-after": "2" }],
  blocked: [403, {}],
};

const server = http.createServer((request, response) => {
  const [, name = ""] = (request.url ?? "").split("/");
  if (name === "counts") return void response.end(JSON.stringify(counts));
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => name.startsWith("healthy") && chunks.push(chunk));
  request.on("end", () => {
    if (name === "hung") return;
    const [status, headers] = STATUS[name] ?? [202, {}];
    response.writeHead(status, { "content-length": 2, ...headers }).end("{}");
    if (chunks.length > 0) counts[name] = (counts[name] ?? 0) + countRecords(gunzipSync(Buffer.concat(chunks)));
  });
  return undefined;
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
});
