import { z } from "zod";
import { atLeast, duration, secret } from "../../core/options.ts";
import { readEndpoint, targetOf } from "./target.ts";

const concurrency = z
  .strictObject({
    min: z.int().min(1).prefault(1).describe("Requests that are always allowed in flight at once."),
    max: z.int().min(1).max(64).prefault(8).describe("Most requests in flight at once; 1 keeps strict order per file."),
  })
  .refine(({ min, max }) => min <= max, "expected min to be at most max")
  .prefault({})
  .describe("Requests in flight at the same time. The number adapts between min and max to how the receiver copes.");

/** Node's timers take less than 25 days, and a longer one would end at once. */
const deadline = () => atLeast(duration(), 100, "100ms").refine((ms) => ms <= 24 * 3_600_000, "must be at most 24h");

const timeout = z
  .strictObject({
    connect: deadline().prefault("10s").describe("For each of name look-up, connection and TLS handshake."),
    response: deadline()
      .prefault("30s")
      .describe("From the request's last byte to the response's headers, and from there to its end."),
    total: deadline().prefault("60s").describe("For the whole request with its response."),
  })
  .prefault({})
  .describe("Deadlines of one request. A request that misses one is sent again.");

const tls = z
  .strictObject({
    ca: z
      .string()
      .min(1)
      .optional()
      .describe("Path of a PEM file with the certificate authorities to trust instead of the system's."),
    cert: z.string().min(1).optional().describe("Path of a PEM file with the client certificate and its chain."),
    key: z.string().min(1).optional().describe("Path of a PEM file with the client certificate's private key."),
    serverName: z
      .string()
      .min(1)
      .optional()
      .describe("Name the server's certificate must carry, when it is not the host in the URL."),
    minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).optional().describe("Lowest TLS version to accept."),
    insecureSkipVerify: z
      .boolean()
      .prefault(false)
      .describe(
        "Accept any certificate. Anyone in between can then read the logs and the credentials: for tests only.",
      ),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), "expected cert and key together")
  .optional()
  .describe(
    "TLS of the connection. The files are read again when they change and while the sink is blocked, so a renewal needs no restart.",
  );

/** Names of HTTP headers (RFC 9110 tokens) that do not decide how the request is read. */
const HEADER_NAME = /^(?!(?:connection|content-encoding|content-length|host|transfer-encoding)$)[!#$%&'*+.^_`|~\w-]+$/i;

const headers = z
  .record(
    z
      .string()
      .regex(HEADER_NAME, "not the name of a header that may be set: length, encoding, host and connection are not"),
    secret(),
  )
  .prefault({})
  .describe(
    "Further headers of each request, by name. Their values are never shown. They can't replace headers that the sink sets itself.",
  );

const proxy = secret()
  .refine(
    (value) => value.reveal() === "none" || isProxyUrl(value.reveal()),
    "expected http://HOST:PORT, https://HOST:PORT or none",
  )
  .optional()
  .describe(
    "URL of an HTTP proxy, with user and password if it asks for them: http://user:password@proxy:3128. Without it HTTPS_PROXY, HTTP_PROXY and NO_PROXY are used; none ignores them.",
  );

function isProxyUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** The options that every sink over HTTP has, to be spread into its schema. */
export const httpOptions = {
  concurrency,
  timeout,
  compression: z.enum(["gzip", "none"]).prefault("gzip").describe("Compression of the request's body."),
  compressionLevel: z
    .int()
    .min(1)
    .max(9)
    .prefault(1)
    .describe("gzip level: 1 is the cheapest, 9 the smallest. Logs compress well at 1 already."),
  tls,
  headers,
  proxy,
};

export type TlsOptions = NonNullable<z.output<typeof tls>>;
export type HttpOptions = z.output<z.ZodObject<typeof httpOptions>>;

/** Option: where a receiver is, read by `readEndpoint`. */
export const endpoint = (path: string) =>
  z.string().transform((text, ctx) => {
    const read = readEndpoint(text, path);
    if (read === undefined) {
      ctx.addIssue({
        code: "custom",
        message: "expected a URL that begins with https:// or http://, or unix:/SOCKET:/PATH",
      });
      return z.NEVER;
    }
    const { username, password } = new URL(targetOf(read).url);
    if (username !== "" || password !== "") {
      ctx.addIssue({ code: "custom", message: "expected a URL without credentials, for a URL may be shown" });
      return z.NEVER;
    }
    return read;
  });
