/**
 * A receiver that discards, in a process of its own: its processor time is nobody's. Prints its port on stdout.
 * The last segment of the path says how it behaves:
 *   /ok      answers at once with what both Datadog (202) and Splunk HEC (200, code 0) count as delivered
 *   /slow    the same, after DELAY_MS
 *   /dead    503, at once
 * The first segment, `datadog` or `splunk`, says what delivered looks like.
 */
import http from "node:http";

const DELAY_MS = 200;

const SUCCESS = {
  datadog: { status: 202, body: "{}" },
  splunk: { status: 200, body: '{"text":"Success","code":0}' },
} as const;

const server = http.createServer((request, response) => {
  const [, vendor, behaviour] = (request.url ?? "").split("/");
  const success = vendor === "splunk" ? SUCCESS.splunk : SUCCESS.datadog;
  const { status, body } = behaviour === "dead" ? { status: 503, body: "{}" } : success;
  const answer = (): void => {
    response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
    response.end(body);
  };
  request.resume();
  request.on("end", () => (behaviour === "slow" ? setTimeout(answer, DELAY_MS) : answer()));
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
});
