import type { JsonValue, ParsedFields } from "../../core/record.ts";
import type { TimeContext } from "../time-context.ts";
import { parseTimestamp } from "../timestamp.ts";
import { withoutAbsent } from "./object.ts";
import { plainNumber, Scanner } from "./scanner.ts";

/**
 * An access log of nginx or Apache: the common log format, the combined one, and what stands behind it in nginx's own
 * configuration (`main`), with a gzip ratio, and in ingress-nginx (`upstreaminfo`).
 *
 *     client identity user [time] "request" status size ["referer" "agent" [more]]
 *
 * Sources: Apache, mod_log_config; nginx, ngx_http_log_module; ingress-nginx, "Log format".
 */
export function readAccess(body: string, context: TimeContext): ParsedFields | undefined {
  const line = new Scanner(body);
  const client = line.word();
  const identity = line.word();
  if (client === undefined || identity === undefined) return undefined;
  const user = readUser(line);
  const time = readTime(line);
  const request = line.quoted() ?? (line.skip("- ") ? "-" : undefined);
  const status = line.word();
  const size = line.word();
  if (user === undefined || time === undefined || request === undefined || size === undefined) return undefined;
  const statusCode = plainNumber(status);
  if (status === undefined || (statusCode === undefined && status !== "-")) return undefined;
  const timestamp = time === "-" ? undefined : parseTimestamp(time, context);
  if (timestamp === undefined && !/^-$|^\d\d\/[A-Z]/.test(time)) return undefined;
  const attributes = withoutAbsent({
    client: dash(client),
    identity: dash(identity),
    user: dash(user),
    // A time that can't be trusted is kept for all to see.
    time: timestamp === undefined ? dash(time) : undefined,
    ...readRequest(request),
    status: statusCode,
    size: plainNumber(size),
    ...readMore(line),
  });
  return { timestamp, attributes };
}

/** A name may have blanks in it; the time behind it begins with a bracket. */
function readUser(line: Scanner): string | undefined {
  if (line.skip("- ")) return "-";
  const end = line.text.indexOf(" [", line.at);
  if (end <= line.at) return undefined;
  const user = line.text.slice(line.at, end);
  line.at = end + 1;
  return user;
}

function readTime(line: Scanner): string | undefined {
  if (line.skip("- ")) return "-";
  return line.skip("[") ? line.until("] ") : undefined;
}

function readRequest(request: string): Partial<Record<string, string>> {
  if (request === "-") return {};
  const [method = "", path, protocol, ...more] = request.split(" ");
  const isWhole = path !== undefined && protocol?.startsWith("HTTP/") === true && more.length === 0;
  return isWhole ? { request, method, path, protocol } : { request };
}

/** What stands behind the size. Quoted texts are kept as they stand, a `-` too. */
function readMore(line: Scanner): Partial<Record<string, JsonValue>> {
  const referer = line.quoted();
  const agent = line.quoted();
  const extra = line.quoted();
  const isRatio = extra !== undefined && /^\d{1,6}\.\d{1,6}$/.test(extra);
  return {
    referer,
    agent,
    gzipRatio: isRatio ? Number(extra) : undefined,
    forwardedFor: isRatio || extra === undefined ? undefined : dash(extra),
    ...(extra === undefined && agent !== undefined ? readUpstream(line) : undefined),
  };
}

/** Source: ingress-nginx, "Log format": lengths, times and addresses of the upstreams, several of them with commas between. */
function readUpstream(line: Scanner): Partial<Record<string, JsonValue>> {
  const requestLength = plainNumber(line.word());
  const requestTime = plainNumber(line.word());
  const upstreamName = line.skip("[") ? line.until("] ") : undefined;
  const alternative = line.skip("[") ? line.until("] ") : undefined;
  if (requestLength === undefined || requestTime === undefined || alternative === undefined) return {};
  return {
    requestLength,
    requestTime,
    upstreamName,
    alternativeUpstreamName: alternative === "" ? undefined : alternative,
    upstreamAddress: readList(line),
    upstreamSize: numberOrText(readList(line)),
    upstreamTime: numberOrText(readList(line)),
    upstreamStatus: numberOrText(readList(line)),
    requestId: line.word(),
  };
}

/** One word, or several with commas behind all but the last. */
function readList(line: Scanner): string | undefined {
  const start = line.at;
  let word = line.word();
  while (word?.endsWith(",") === true) word = line.word();
  return word === undefined ? undefined : line.text.slice(start, line.at).trimEnd();
}

const numberOrText = (text: string | undefined): JsonValue | undefined =>
  text === undefined ? undefined : (plainNumber(text) ?? dash(text));

const dash = (text: string): string | undefined => (text === "-" ? undefined : text);
