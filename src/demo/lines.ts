/** What a line is made of. Each record takes a sequence number of its own; a stack trace is one. */
export interface LineSource {
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly nextSequence: () => number;
}

const ERROR_PART = 0.03;
const WARN_PART = 0.08;

const MESSAGES = ["order placed", "payment authorised", "cart updated", "session started", "stock reserved"];
const WARNINGS = ["slow query", "retrying the payment provider", "cache miss storm"];
const FRAMES = ["charge (payments", "withRetry (retry", "checkout (checkout", "dispatch (router", "handle (server"];
const PATHS = ["/", "/products", "/products/42", "/cart", "/checkout", "/static/app.js", "/healthz"];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "curl/8.14.1",
  "kube-probe/1.33",
];
const STATUSES = [200, 200, 200, 200, 204, 304, 404, 500];

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function pick<T>(random: () => number, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new RangeError("nothing to pick from");
  return value;
}

const upTo = (random: () => number, limit: number): number => Math.floor(random() * limit);

/** Lines of a shop: mostly one in the form of pino, now and then an error with its stack trace as plain text behind it. */
export function applicationLines(source: LineSource): readonly string[] {
  const { random } = source;
  const dice = random();
  if (dice < ERROR_PART) return [pinoLine(source, 50, "payment failed"), ...stackTrace(source)];
  if (dice < ERROR_PART + WARN_PART) return [pinoLine(source, 40, pick(random, WARNINGS))];
  return [pinoLine(source, 30, pick(random, MESSAGES))];
}

/** Source: pino, default serialisation (`level` as a number, `time` in milliseconds, `msg` last). */
function pinoLine({ nowMs, random, nextSequence }: LineSource, level: number, msg: string): string {
  const request = { id: upTo(random, 1e9).toString(36), method: "POST", path: "/checkout" };
  const head = { level, time: Math.trunc(nowMs), pid: 17, hostname: "shop-7d9f", seq: nextSequence() };
  return JSON.stringify({ ...head, request, ms: upTo(random, 400), msg });
}

/** As Node prints an error. Only its first line has a number, so a trace that does not arrive as one record is noticed. */
function stackTrace({ random, nextSequence }: LineSource): readonly string[] {
  const frames = FRAMES.map((frame) => `    at ${frame}.js:${1 + upTo(random, 300)}:${1 + upTo(random, 80)})`);
  return [`PaymentError: card declined (seq=${nextSequence()})`, ...frames];
}

/** A line of nginx's access log. Source: nginx documentation, ngx_http_log_module, the predefined format `combined`. */
export function accessLine({ nowMs, random, nextSequence }: LineSource): string {
  const address = `10.0.${upTo(random, 4)}.${1 + upTo(random, 254)}`;
  const request = `GET ${pick(random, PATHS)}?seq=${nextSequence()} HTTP/1.1`;
  const tail = `${pick(random, STATUSES)} ${upTo(random, 20_000)} "-" "${pick(random, AGENTS)}"`;
  return `${address} - - [${clfTime(nowMs)}] "${request}" ${tail}`;
}

function clfTime(nowMs: number): string {
  const iso = new Date(nowMs).toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}
