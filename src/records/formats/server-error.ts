import type { ParsedFields, Timestamp } from "../../core/record.ts";
import { parseSeverity } from "../severity.ts";
import type { TimeContext } from "../time-context.ts";
import { parseTimestamp } from "../timestamp.ts";
import { withoutAbsent } from "./object.ts";
import { plainNumber, Scanner } from "./scanner.ts";

/**
 * The error log of nginx: `YYYY/MM/DD hh:mm:ss [level] pid#tid: *connection message`, and behind a message of a request
 * `, client: ..., server: ..., request: "..."` and so on.
 * Source: nginx, ngx_log.c and ngx_http_request.c (ngx_http_log_error_handler).
 */
export function readNginxError(body: string, context: TimeContext): ParsedFields | undefined {
  if (body.charCodeAt(4) !== 0x2f || body.charCodeAt(19) !== 0x20) return undefined;
  const line = new Scanner(body, 20);
  const level = line.skip("[") ? line.until("] ") : undefined;
  const pid = plainNumber(line.until("#"));
  const tid = plainNumber(line.until(": "));
  const severity = parseSeverity(level);
  if (severity === undefined || pid === undefined || tid === undefined) return undefined;
  const connection = line.skip("*") ? plainNumber(line.word()) : undefined;
  const time = body.slice(0, 19);
  const timestamp = parseTimestamp(time, context);
  const { message, found } = readContext(line.rest);
  const [, limited, excess, zone] = OVER_RATE.exec(message) ?? [];
  const own = { time: timestamp === undefined ? time : undefined, pid, tid, connection };
  const rate = { excess: plainNumber(excess), zone };
  return { message: limited ?? message, timestamp, severity, attributes: withoutAbsent({ ...own, ...rate, ...found }) };
}

/** Source: nginx, ngx_http_limit_req_module.c; versions differ in the comma before the zone. */
const OVER_RATE = /^((?:limiting|delaying) requests(?:, dry run)?), excess: (\d+\.\d+),? by zone "([^"]*)"$/;

/** What the error handlers of a request add, in this order; names as nginx writes them, but for its spelling of referer. */
const CONTEXT = ["client", "server", "request", "subrequest", "upstream", "host", "referrer"];

function readContext(text: string): { message: string; found: Record<string, string> } {
  const start = contextStart(text);
  const found: Record<string, string> = {};
  const line = new Scanner(text, start);
  for (const name of CONTEXT) {
    if (!line.skip(`, ${name}: `)) continue;
    let value = line.quoted();
    if (value === undefined) {
      const comma = text.indexOf(", ", line.at);
      value = text.slice(line.at, comma === -1 ? text.length : comma);
      line.at += value.length;
    }
    found[name === "referrer" ? "referer" : name] = value;
  }
  return { message: text.slice(0, start), found };
}

/** The first place outside of quotes: what a client sent stands between quotes, and may look like it. */
function contextStart(text: string): number {
  let isQuoted = false;
  let at = 0;
  for (;;) {
    const start = text.indexOf(", client: ", at);
    if (start === -1) return text.length;
    for (; at < start; at += 1) if (text.charCodeAt(at) === 0x22) isQuoted = !isQuoted;
    if (!isQuoted) return start;
    at = start + 1;
  }
}

/**
 * The error log of Apache: `[time] [module:level] [pid 1:tid 2] [client 1.2.3.4:5] message`; before 2.4 without module and
 * process. Source: Apache, core, directive ErrorLogFormat.
 */
export function readApacheError(body: string, context: TimeContext): ParsedFields | undefined {
  const line = new Scanner(body);
  const time = line.skip("[") ? line.until("] ") : undefined;
  if (time !== undefined && line.rest === "- - - -") return unknownError(parseTimestamp(time, context));
  const level = line.skip("[") ? line.until("] ") : undefined;
  if (time === undefined || level === undefined || time.length > 64) return undefined;
  const [first = "", second] = level.split(":", 2);
  const severity = parseSeverity(second ?? first);
  const timestamp = parseTimestamp(time, context);
  if (severity === undefined || timestamp === undefined) return undefined;
  const process = line.skip("[pid ") ? line.until("] ") : undefined;
  const [pid, tid] = (process ?? "").split(":tid ", 2);
  const client = line.skip("[client ") ? line.until("] ") : undefined;
  const colon = client?.lastIndexOf(":") ?? -1;
  const port = colon === -1 ? undefined : plainNumber(client?.slice(colon + 1));
  const attributes = withoutAbsent({
    module: second === undefined || first === "" ? undefined : first,
    pid: plainNumber(pid),
    tid,
    client: port === undefined ? client : client?.slice(0, colon),
    port,
  });
  return { message: line.rest, timestamp, severity, attributes };
}

/** A hyphen stands for what is not known. */
const unknownError = (timestamp: Timestamp | undefined): ParsedFields | undefined =>
  timestamp === undefined ? undefined : { timestamp, attributes: {} };
